/** What `storage.test.ts` watches over, each broken on purpose. */

const transfer = "packages/platform-node/src/internal/compat/fileTransfer.ts"

/** @type {ReadonlyArray<import("../../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the context for transfers is not waited for when all are saved",
    changes: {
      "packages/core/src/internal/session/sessionContexts.ts": [[
        "({ contextId }) => contextId === item.contextId",
        "() => false"
      ]]
    },
    caughtBy: "moves files both ways"
  },
  {
    defence: "a download that failed leaves no part of the file",
    changes: { [transfer]: [["    await FsPromises.rm(part, { force: true })\n", ""]] },
    caughtBy: "leaves nothing half done, and says what is missing or unknown"
  },
  {
    defence: "a media type cannot add a header",
    changes: {
      "packages/core/src/internal/session/contexts.ts": [["/^[!-~][ -~]{0,254}$/.test(type)", "true"]]
    },
    caughtBy: "leaves nothing half done, and says what is missing or unknown"
  },
  {
    defence: "presigned URLs of the compatible face are not printed",
    changes: {
      "packages/platform-node/src/internal/compat/contextService.ts": [[
        "result.success ? conceal(result, \"url\") : result",
        "result"
      ]]
    },
    caughtBy: "has files, by presigned URLs that are not printed"
  }
]
