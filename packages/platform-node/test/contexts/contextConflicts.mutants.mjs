/** What `contextConflicts.test.ts` watches over, each broken on purpose. */

const contexts = "packages/platform-node/src/internal/contexts"
const tree = "packages/platform-node/agent/files/tree.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "what others did is not undone",
    changes: {
      [`${contexts}/sync/uploading.ts`]: [[
        "return !mapping.once || context.files.find(stored)?.blob === known.blob",
        "return context.files.find(stored)?.blob === known.blob"
      ]]
    },
    caughtBy: "an idle session leaves everything to others"
  },
  {
    defence: "a version that the session has not had is not replaced",
    changes: {
      [`${contexts}/sync/manifest.ts`]: [["return known.blob === current.blob", "return true"]]
    },
    caughtBy: "a file that two changed keeps both versions"
  },
  {
    defence: "nor one that came after the session began",
    changes: {
      [`${contexts}/sync/manifest.ts`]: [["this.#files.serialOf(current) <= this.#since", "this.#since >= 0"]]
    },
    caughtBy: "without a download, files replace what was there"
  },
  {
    defence: "members that others changed are not replaced",
    changes: {
      [`${contexts}/sync/archiveUpload.ts`]: [[
        "digest !== known.get(name)?.digest) foreign",
        "digest === \"\") foreign"
      ]]
    },
    caughtBy: "archives get the changes of each session"
  },
  {
    defence: "what a link has replaced is not deleted",
    changes: {
      [`${contexts}/sync/uploading.ts`]: [[
        "const isHidden = (path: string) => others.some(({ stored }) => isWithin(path, stored))",
        "const isHidden = (path: string) => others.some(({ stored }) => path === stored)"
      ]]
    },
    caughtBy: "folders that links have replaced"
  },
  {
    defence: "what is on a white list below what cannot be listed is not deleted",
    changes: { [`${contexts}/sync/uploading.ts`]: [["policies.reaches(", "policies.includes("]] },
    caughtBy: "what is on a white list below a folder that cannot be read"
  },
  {
    defence: "names that are no UTF-8 are told",
    changes: { [tree]: [["if (path.includes(replacement))", "if (path === replacement)"]] },
    caughtBy: "names that are no UTF-8"
  },
  {
    defence: "a file that only seems to grow is compared with what was read",
    changes: {
      [`${contexts}/sync/uploading.ts`]: [["return hash.digest(\"hex\") === digest", "return digest !== \"\""]]
    },
    caughtBy: "a file that is rewritten in place"
  },
  {
    defence: "an upload that could not store everything deletes nothing",
    changes: {
      [`${contexts}/sync/transfer.ts`]: [["failures.isEmpty() ? { made", "wanted.length >= 0 ? { made"]]
    },
    caughtBy: "nothing is deleted by an upload that cannot store everything"
  },
  {
    defence: "what was not deleted is told",
    changes: {
      [`${contexts}/sync/transfer.ts`]: [["kept === 0 ? \"\" : undeleted(kept)", "undeleted(kept).slice(0, 0)"]]
    },
    caughtBy: "nothing is deleted by an upload that cannot store everything"
  }
]
