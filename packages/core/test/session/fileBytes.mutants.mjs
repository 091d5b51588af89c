/** What `fileBytes.test.ts` watches over, each broken on purpose. */

const sending = "packages/core/src/internal/session/files/sending.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a file that is sent and does not move is given up",
    changes: { [sending]: [["if (this.#isWanted || this.#hasMoved) return watch()", "if (!isLate) return watch()"]] },
    caughtBy: "is given up where the connection does not take it"
  },
  {
    defence: "a file whose source is slow is not given up",
    changes: {
      [sending]: [["if (this.#isWanted || this.#hasMoved) return watch()", "if (this.#hasMoved) return watch()"]]
    },
    caughtBy: "may take its time, and is all sent"
  }
]
