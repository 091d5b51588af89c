/** What `ownTmp.test.ts` watches over, each broken on purpose. */

const scripts = "packages/core/src/internal/session/files/shellScript.ts"
const same = "a path below /tmp is the same for tools, scripts, transfers and the platform"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "scripts have the /tmp of the file tools",
    changes: { [scripts]: [["numbers.length === 0 ? \"\" : ownTmp(numbers)", "\"\""]] },
    caughtBy: same
  },
  {
    defence: "what lies in the directories of the session is left as it is",
    changes: { [scripts]: [["\"$TMPDIR\"|\"$TMPDIR\"/*|\"$HOME\"|\"$HOME\"/*) ;;\n", ""]] },
    caughtBy: same
  },
  {
    defence: "the folders of an upload have it too",
    changes: {
      "packages/core/src/internal/session/transfer/remote.ts": [[
        "scripts.makeDirectories, group, \"all\"",
        "scripts.makeDirectories, group, []"
      ]]
    },
    caughtBy: same
  },
  {
    defence: "both paths of a method on two have it",
    changes: {
      "packages/core/src/internal/session/platform/fileSystem.ts": [["\"unsafe\", [1, 2]", "\"unsafe\", [1]"]]
    },
    caughtBy: same
  }
]
