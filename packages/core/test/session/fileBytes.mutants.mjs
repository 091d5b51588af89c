/** What `fileBytes.test.ts` watches over, each broken on purpose. */

const sending = "packages/core/src/internal/session/files/sending.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a file that is sent and does not move is given up",
    changes: { [sending]: [["if (this.#isWanted) return watch()", "if (!isLate) return watch()"]] },
    caughtBy: "is given up one timeout after the connection has taken something"
  },
  {
    defence: "a file that has moved gets the whole time again",
    changes: { [sending]: [["    this.#onMove()\n", ""]] },
    caughtBy: "is given up one timeout after the connection has taken something"
  },
  {
    defence: "a file whose source is slow is not given up",
    changes: { [sending]: [["              if (this.#isWanted) return watch()\n", ""]] },
    caughtBy: "may take its time, and is all sent"
  }
]
