/** What `contextSaving.test.ts` watches over, each broken on purpose. */

const sync = "packages/platform-node/src/internal/contexts/sync"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "an upload changes its context as a whole or not at all",
    changes: {
      [`${sync}/uploading.ts`]: [[
        "      yield* Effect.forEach(large,",
        "      yield* batch.commit()\n      yield* Effect.forEach(large,"
      ]]
    },
    caughtBy: "fails its release, and leaves the context as it was"
  },
  {
    defence: "a release that could not save fails",
    changes: {
      "packages/platform-node/src/internal/server/sessions/registry.ts": [[
        "unsaved.length === 0 ? Effect.void : notSaved(unsaved)",
        "unsaved.length >= 0 ? Effect.void : notSaved(unsaved)"
      ]]
    },
    caughtBy: "fails its release, and leaves the context as it was"
  }
]
