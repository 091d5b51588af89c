/** What `contextSync.test.ts` watches over, each broken on purpose. */

const sync = "packages/platform-node/src/internal/contexts/sync"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a mapping of a directory that the session cannot write fails",
    changes: {
      [`${sync}/downloading.ts`]: [[
        "      yield* requireWritable(files, mapping.path)",
        "      yield* files.createDirectory(mapping.path)"
      ]]
    },
    caughtBy: "a directory of the machine is no place for a mapping, and is not saved"
  },
  {
    defence: "what the session cannot write is not saved",
    changes: {
      [`${sync}/sessionContexts.ts`]: [["isForeign ? requireWritable(this.#files, path) : Effect.void", "Effect.void"]]
    },
    caughtBy: "a directory of the machine is no place for a mapping, and is not saved"
  }
]
