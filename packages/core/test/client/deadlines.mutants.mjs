/** What `deadlines.test.ts` watches over, broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "deadlines cancel calls",
    changes: {
      "packages/core/src/internal/client/deadline/deadlines.ts": [["    this.#cancel?.(this.#tooLate())\n", ""]]
    },
    caughtBy: "hold after an interruption at any step of another call"
  }
]
