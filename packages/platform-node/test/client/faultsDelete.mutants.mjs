/** What `faultsDelete.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const release = `${core}/internal/lifecycle/release.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "deletions that fail are repeated",
    changes: { [release]: [["Effect.zipRight(this.#pause, this.run)", "Effect.fail(this.reason)"]] },
    caughtBy: "a deletion that fails for a while"
  },
  {
    defence: "a request of a deletion has a part of the budget",
    changes: { [release]: [["* Math.min(nth, 3) / 6", "* nth"]] },
    caughtBy: "that is swallowed"
  },
  {
    defence: "a release that was accepted is not waited for until the end of the budget",
    changes: { [release]: [["waited >= this.#releaser.settling", "waited >= 1e9"]] },
    caughtBy: "a release that was accepted"
  },
  {
    defence: "only the documented codes say that a session is gone",
    changes: {
      [`${core}/internal/client/envelope.ts`]: [["/^Invalid(Mcp)?Session\\.NotFound$/", "/Session.*NotFound/"]]
    },
    caughtBy: "a call of a session that is refused"
  },
  {
    defence: "a deletion outlives who asked for it",
    changes: {
      [`${core}/internal/lifecycle/removals.ts`]: [[
        "Effect.flatMap(this.start(sessionId), (pending) => restore(Deferred.await(pending)))",
        "restore(this.#remove(sessionId))"
      ]]
    },
    caughtBy: "a deletion in a finalizer"
  },
  {
    defence: "what came of a release whose reply was lost is asked for",
    changes: {
      "packages/core/src/internal/lifecycle/release.ts": [
        [" || error._tag === \"TransportError\" && error.mayHaveHappened", ""]
      ]
    },
    caughtBy: "when no release is ever answered, the status tells that the session is gone"
  }
]
