/** What `expiry.test.ts` watches over, each broken on purpose. */

const keepAlive = "packages/core/src/internal/lifecycle/keepAlive.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a keep-alive that fails is warned of before the session ends",
    changes: { [keepAlive]: [["if (hasWarned || Option.isNone(expiry)) return debug", "return debug"]] },
    caughtBy: "is warned of once in each outage"
  },
  {
    defence: "a keep-alive that fails is warned of once",
    changes: { [keepAlive]: [["        hasWarned = true\n", ""]] },
    caughtBy: "is warned of once in each outage"
  }
]
