/** What `linksIdle.test.ts` watches over, each broken on purpose. */

const gateway = `packages/platform-node/src/internal/server/routes/linkGateway.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a link in use keeps its session: requests",
    changes: {
      [gateway]: [[
        "      touch()\n      return session.sandbox.tunnel(port, touch)",
        "      return session.sandbox.tunnel(port)"
      ]]
    },
    caughtBy: "keeps its session from idling"
  },
  {
    defence: "a link in use keeps its session: what passes later",
    changes: { [gateway]: [["session.sandbox.tunnel(port, touch)", "session.sandbox.tunnel(port)"]] },
    caughtBy: "keeps its session from idling"
  }
]
