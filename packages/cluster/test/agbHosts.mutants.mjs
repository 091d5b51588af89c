/** What `agbHosts.test.ts` watches over, each broken on purpose. */

const service = "packages/cluster/src/AgbHosts.ts"
const known = "packages/cluster/src/internal/knownHosts.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the host with the fewest sessions comes first",
    changes: { [known]: [["one.sessions - other.sessions", "other.sessions - one.sessions"]] },
    caughtBy: "are placed where there are the fewest"
  },
  {
    defence: "another host takes what one refuses",
    changes: { [service]: [["isElsewhere(error) && next !== undefined", "isElsewhere(error) && next === error"]] },
    caughtBy: "go to another host when one takes no more"
  },
  {
    defence: "whoever waits is told of the loss",
    changes: {
      [known]: [[
        "return Effect.raceFirst(Effect.interruptible(told), Effect.interruptible(gone))",
        "return Effect.zipLeft(call, Effect.if(false, { onTrue: () => gone, onFalse: () => Effect.void }))"
      ]]
    },
    caughtBy: "are lost with their host, also to whoever waits"
  },
  {
    defence: "contexts are on the host that keeps them",
    changes: { [service]: [["const hosts = hasContexts\n", "const hosts = hasContexts && false\n"]] },
    caughtBy: "with contexts go to the host that keeps them"
  }
]
