/** What `contextUrls.test.ts` watches over, each broken on purpose. */

const contexts = "packages/platform-node/src/internal/contexts"
const urls = `${contexts}/signedUrls.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a presigned URL: its expiry",
    changes: {
      [urls]: [[
        "return nowMillis >= grant.expires * 1000 ? \"expired\" : grant",
        "return nowMillis < 0 ? \"expired\" : grant"
      ]]
    },
    caughtBy: "end at their second"
  },
  {
    defence: "uploads that break off",
    changes: {
      [`${contexts}/fileRoute.ts`]: [
        ["if (!request.complete) throw incompleteBody", ""],
        [
          "await staged.file.abort()\n    throw request.destroyed && !(error instanceof ApiError) ? incompleteBody : error",
          "if (error instanceof ApiError) throw error"
        ]
      ]
    },
    caughtBy: "that are cut off leave nothing"
  },
  {
    defence: "what was allowed to be replaced is still there when it is",
    changes: {
      [`${contexts}/store/contextFiles.ts`]: [[
        "for (const path of paths) this.#busy.set(path, settled)",
        "void settled"
      ]]
    },
    caughtBy: "honour preconditions of both methods"
  },
  {
    defence: "digests are checked",
    changes: { [`${contexts}/fileRoute.ts`]: [["    digest?.verify()\n", ""]] },
    caughtBy: "take whole files only"
  },
  {
    defence: "what does not fit is refused by its length",
    changes: {
      [`${contexts}/fileRoute.ts`]: [["      files.checkRoom(Number(request.headers[\"content-length\"] ?? 0))\n", ""]]
    },
    caughtBy: "refuse by its length what does not fit"
  }
]
