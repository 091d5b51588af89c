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
  }
]
