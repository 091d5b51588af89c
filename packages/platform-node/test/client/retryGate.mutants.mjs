/** What `retryGate.test.ts` watches over, each broken on purpose. */

const gate = "packages/core/src/internal/client/retry/retryGate.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a retry-after of a create holds for all creates",
    changes: { "packages/core/src/AgbClient.ts": [["gates: { createSession: new RetryGate() }", "gates: {}"]] },
    caughtBy: "is waited for by all, and then one asks first"
  },
  {
    defence: "after a retry-after one create asks first",
    changes: {
      [gate]: [[
        "Effect.sleep(until - now) : this.#first && Deferred.await(this.#first)",
        "Effect.sleep(until - now) : undefined"
      ]]
    },
    caughtBy: "is waited for by all, and then one asks first"
  },
  {
    defence: "whoever is interrupted while it asks first leaves the place to the next",
    changes: {
      [gate]: [[
        "          Deferred.succeed(first, undefined)\n",
        "          Exit.isInterrupted(exit) ? Effect.void : Deferred.succeed(first, undefined)\n"
      ]]
    },
    caughtBy: "does not stop the others when who goes first is interrupted"
  },
  {
    defence: "a long retry-after does not stop a client",
    changes: { [gate]: [["const longest = 60_000", "const longest = 3_600_000"]] },
    caughtBy: "beyond the deadline is told to all at once"
  }
]
