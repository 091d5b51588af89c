/** What `faultsDelete.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "deletions that fail are repeated",
    changes: {
      [`${core}/internal/lifecycle/release.ts`]: [["Effect.retry({ while: isTransient, schedule: delays }),\n", ""]]
    },
    caughtBy: "a deletion that fails for a while"
  }
]
