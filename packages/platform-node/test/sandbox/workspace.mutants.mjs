/** What `workspace.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "workspaces of the dead are swept",
    changes: {
      [`${sandbox}/disk/owner.ts`]: [[
        "if (owner.bootId !== here.bootId) return true",
        "if (owner.bootId !== here.bootId) return false"
      ]]
    },
    caughtBy: "is swept when its owner is gone"
  },
  {
    defence: "workspaces of the living are not",
    changes: { [`${sandbox}/disk/owner.ts`]: [["owner.startTime !== startTime(owner.pid)", "true"]] },
    caughtBy: "is swept when its owner is gone"
  },
  {
    defence: "without isolation: the workspace is removed",
    changes: {
      [`${sandbox}/disk/removeTree.ts`]: [["Fs.chmodSync(pathOf(found.fd), 0o700)", ""]]
    },
    caughtBy: "is removed though user code has locked it",
    only: "nobody"
  },
  {
    defence: "without isolation: the workspace is removed, however deep",
    changes: {
      [`${sandbox}/disk/removeTree.ts`]: [[
        "await empty(folder, last)",
        "await Fs.promises.rm(root, { recursive: true, force: true })"
      ]]
    },
    caughtBy: "is removed though user code has made it deeper"
  },
  {
    defence: "an owner that is dead is gone, reaped or not",
    changes: { [`${sandbox}/disk/owner.ts`]: [["processStat(owner.pid)?.isZombie === true || ", ""]] },
    caughtBy: "is swept when its owner is gone"
  },
  {
    defence: "removing a workspace follows no link",
    changes: {
      [`${sandbox}/disk/removeTree.ts`]: [["O_PATH | O_DIRECTORY | O_NOFOLLOW", "O_PATH | O_DIRECTORY"]]
    },
    caughtBy: "is removed while user code puts links"
  },
  {
    defence: "workspaces: what is forked while processes are read is followed",
    changes: {
      [`${sandbox}/disk/strays.ts`]: [[
        "  return !killSince(strays, found.last) || killed.length > 0\n",
        "  return killed.length > 0\n"
      ]],
      [`${sandbox}/disk/sessionProcesses.ts`]: [[
        "  return visitSince(before, (pid) => found.add(pid))\n",
        "  return before >= 0\n"
      ]]
    },
    caughtBy: "leaves no process that forks and exits faster"
  }
]
