/** What `fileRoute.test.ts` watches over, each broken on purpose. */

const upload = "packages/core/src/internal/session/transfer/upload.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a small file that changed while it was read is not uploaded",
    changes: { [upload]: [["    yield* checkUnchanged(upload, entry)\n    if (found", "    if (found"]] },
    caughtBy: "uploads no file that changes while it is read"
  },
  {
    defence: "a file that changed while it was sent is not uploaded",
    changes: { [upload]: [["return yield* Effect.as(checkUnchanged(upload, entry), undefined)", "return undefined"]] },
    caughtBy: "uploads no file that changes while it is read"
  }
]
