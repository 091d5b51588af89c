/** What `agentFiles.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "whole files are written in one step",
    changes: {
      [`${agent}/files/stagedFile.ts`]: [
        ["stage(file, true, renameSync,", "stage(file, true, copyFileSync,"],
        ["  constants,\n", "  constants,\n  copyFileSync,\n"]
      ]
    },
    caughtBy: "overwrites in one step"
  },
  {
    defence: "a write that fails half-way is undone",
    changes: { [`${agent}/files/writeFile.ts`]: [["abort: () => ftruncateSync(fd, size)", "abort: () => {}"]] },
    caughtBy: "undoes a write that fails half-way"
  },
  {
    defence: "an edit that does not match is named",
    changes: {
      [`${agent}/files/edits.ts`]: [["`The old text of edit ${number}, ", "`The old text, "]]
    },
    caughtBy: "edits all or nothing"
  },
  {
    defence: "only regular files are read",
    changes: {
      [`${agent}/files/regularFile.ts`]: [[
        "if (stat.isFile()) return { fd, size: stat.size, stat }",
        "return { fd, size: stat.size, stat }"
      ]]
    },
    caughtBy: "no directories, devices or FIFOs"
  },
  {
    defence: "a move that fails is undone",
    changes: { [`${agent}/files/moving.ts`]: [["    await removeTree(copy).catch(() => {})\n", ""]] },
    caughtBy: "moves within and across file systems"
  }
]
