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
  },
  {
    defence: "mappings that overlap in the session are refused",
    changes: {
      [`${sync}/overlaps.ts`]: [["if (overlap(tidy(mapping.path), tidy(earlier.path)))", "if (mapping === earlier)"]]
    },
    caughtBy: "mappings that overlap are refused before there is a session"
  },
  {
    defence: "a mapping in another one is refused in either order",
    changes: {
      [`${sync}/overlaps.ts`]: [["isWithin(one, other) || isWithin(other, one)", "isWithin(one, other)"]]
    },
    caughtBy: "mappings that overlap are refused before there is a session"
  },
  {
    defence: "mappings that overlap in a context are refused",
    changes: {
      [`${sync}/overlaps.ts`]: [[
        "mapping.contextId !== earlier.contextId || !overlap",
        "mapping !== earlier || !overlap"
      ]]
    },
    caughtBy: "mappings that overlap are refused before there is a session"
  }
]
