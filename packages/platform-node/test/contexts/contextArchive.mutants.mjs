/** What `contextArchive.test.ts` watches over, each broken on purpose. */

const archiveUpload = "packages/platform-node/src/internal/contexts/sync/archiveUpload.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "hard links whose target is deleted become files",
    changes: {
      [archiveUpload]: [["content !== undefined && gone.has(link))", "content === undefined && gone.has(link))"]]
    },
    caughtBy: "keep hard links to hard links when what they lead to is deleted"
  },
  {
    defence: "what hard links lead to stays ahead of them",
    changes: {
      [archiveUpload]: [[
        "for (const member of kept) {",
        "for (const member of [...kept.filter((one) => !unlinked.has(one)), ...unlinked]) {"
      ]]
    },
    caughtBy: "keep hard links to hard links when what they lead to is deleted"
  }
]
