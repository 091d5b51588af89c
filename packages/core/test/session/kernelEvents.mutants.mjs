/** What `kernelEvents.test.ts` watches over, each broken on purpose. */

const events = "packages/core/src/internal/session/codeContexts/kernelEvents.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the beginning of a frame waits for its end",
    changes: { [events]: [["this.#rest = all.slice(at)", "this.#rest = new Uint8Array()"]] },
    caughtBy: "events are the same wherever their bytes are cut"
  },
  {
    defence: "an error of a kernel has all of its fields",
    changes: { [events]: [["error === null || isError(error)", "error === null || true"]] },
    caughtBy: "nonsense is malformed"
  }
]
