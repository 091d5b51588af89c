/** Defences of the agent inside a sandbox, and those that stand where there is no isolation. */

const agent = "packages/platform-node/agent"
const sandbox = "packages/platform-node/src/internal/sandbox"

const tests = "packages/platform-node/test"
const processes = `${tests}/agent/agent.test.ts`
const files = `${tests}/agent/agentFiles.test.ts`
const escapes = `${tests}/agent/filesEscape.test.ts`
const searches = `${tests}/agent/filesSearch.test.ts`
const code = `${tests}/agent/agentCode.test.ts`
const whole = `${tests}/sandbox/sandbox.test.ts`
const readers = `${tests}/server/slowReaders.test.ts`
const connection = `${sandbox}/channel/connection.ts`
const noWindow = {
  [`${agent}/process/capture.ts`]: [["if (paused || unbounded || !window.isFull()) return", "return"]]
}

/** @type {ReadonlyArray<import("./weakening.js").Weakening>} */
export default [
  {
    defence: "descriptors of the host are closed",
    changes: { [`${agent}/main.ts`]: [["  closeInherited()\n", ""]] },
    caughtBy: [processes, "keeps no descriptor that it was started with"]
  },
  {
    defence: "the end of the input is the end of everything",
    changes: { [`${agent}/main.ts`]: [["    processes.killAll()\n", ""]] },
    caughtBy: [`${tests}/agent/attacksAgent.test.ts`, "whose input ends leaves nothing"]
  },
  {
    defence: "a timeout ends the children",
    changes: {
      [`${agent}/process/processes.ts`]: [
        ["const killGroup = () => signal(-pid, \"SIGKILL\")", "const killGroup = () => signal(pid, \"SIGKILL\")"],
        ["      for (const member of family) signal(member, \"SIGKILL\")\n", ""],
        ["      killTagged(tag)\n", ""]
      ]
    },
    caughtBy: [processes, "ends a command that is too long, with its children"]
  },
  {
    defence: "a timeout ends those that left the group",
    changes: {
      [`${agent}/process/processes.ts`]: [
        ["      for (const member of family) signal(member, \"SIGKILL\")\n", ""],
        ["      killTagged(tag)\n", ""]
      ]
    },
    caughtBy: [processes, "ends a command that is too long, with its children and those that left"]
  },
  {
    defence: "whole files are written in one step",
    changes: {
      [`${agent}/files/stagedFile.ts`]: [
        ["stage(file, true, renameSync,", "stage(file, true, copyFileSync,"],
        ["  constants,\n", "  constants,\n  copyFileSync,\n"]
      ]
    },
    caughtBy: [files, "overwrites in one step"]
  },
  {
    defence: "a write that fails half-way is undone",
    changes: { [`${agent}/files/writeFile.ts`]: [["abort: () => ftruncateSync(fd, size)", "abort: () => {}"]] },
    caughtBy: [files, "undoes a write that fails half-way"]
  },
  {
    defence: "an edit that does not match is named",
    changes: {
      [`${agent}/files/edits.ts`]: [["`The old text of edit ${number}, ", "`The old text, "]]
    },
    caughtBy: [files, "edits all or nothing"]
  },
  {
    defence: "only regular files are read",
    changes: {
      [`${agent}/files/regularFile.ts`]: [[
        "if (stat.isFile()) return { fd, size: stat.size }",
        "return { fd, size: stat.size }"
      ]]
    },
    caughtBy: [files, "no directories, devices or FIFOs"]
  },
  {
    defence: "without isolation: no path leaves the session",
    changes: {
      [`${agent}/files/beneath.ts`]: [["if (!isAllowed(join(directory, name)))", "if (directory === \"\")"]]
    },
    caughtBy: [escapes, "files outside the session.*are not reached by any spelling"],
    fails: "ENOENT"
  },
  {
    defence: "without isolation: what was opened is checked, not its path",
    changes: {
      [`${agent}/files/beneath.ts`]: [["const directory = readlinkSync(fdPath(fd))", "const directory = parent"]]
    },
    caughtBy: [escapes, "a folder that is swapped for a link lets no call out"]
  },
  {
    defence: "a search looks at so many entries",
    changes: {
      [`${agent}/files/search.ts`]: [["const maxVisited = 200_000", "const maxVisited = 200_000_000"], [
        "const maxFound = 10_000",
        "const maxFound = 10_000_000"
      ]]
    },
    caughtBy: [searches, "says so when there is more than it looks at or finds"]
  },
  {
    defence: "a search takes so long",
    changes: {
      [`${agent}/files/search.ts`]: [["if (performance.now() > until)", "if (performance.now() > 100 * until)"]]
    },
    caughtBy: [searches, "gives up after its time"]
  },
  {
    defence: "results are no heavier than the host takes",
    changes: { [`${agent}/kernels/kernels.ts`]: [["left -= cost", ""]] },
    caughtBy: [code, "gives JSON that is too heavy or too deep as text"]
  },
  {
    defence: "output is cut",
    changes: { [`${agent}/process/capture.ts`]: [["chunk.subarray(0, Math.min(limit - bytes, room()))", "chunk"]] },
    caughtBy: [processes, "cuts each stream at its limit"]
  },
  {
    defence: "output is held back",
    changes: noWindow,
    caughtBy: [processes, "holds back output while the host does not take it"]
  },
  {
    defence: "a slow reader of a run holds it back",
    changes: noWindow,
    caughtBy: [readers, "holds up its own run alone"]
  },
  {
    defence: "a slow reader of a run holds up nothing else",
    changes: { [connection]: [["const maxUnreadBytes = 64 * 1024 * 1024", "const maxUnreadBytes = 128 * 1024"]] },
    caughtBy: [readers, "holds up its own run alone"]
  },
  {
    defence: "many slow readers cost little",
    changes: noWindow,
    caughtBy: [readers, "of a hundred readers who stop costs little"]
  },
  {
    defence: "what is not read is bounded, whatever the agent keeps to",
    changes: { [connection]: [["if (this.#unread > maxUnreadBytes) this.#stdout.pause()", ""]] },
    caughtBy: [whole, "is held back whatever its agent keeps to"]
  },
  {
    defence: "a run that is too long is interrupted",
    changes: { [`${agent}/kernels/kernels.ts`]: [["    kernel.interrupt()\n", ""]] },
    caughtBy: [code, "python.*is interrupted after its time and keeps its state"]
  },
  {
    defence: "input() is the end of the file at once",
    changes: { [`${agent}/kernels/python/kernel.py`]: [["builtins.input = no_input", "pass"]] },
    caughtBy: [code, "python.*shows the user's own lines and no others"]
  },
  {
    defence: "whoever ends all programs called node keeps the session",
    changes: { [`${agent}/main.ts`]: [["  nameProcess(\"agb-agent\")\n", ""]] },
    caughtBy: [processes, "is not called node"]
  },
  {
    defence: "a move that fails is undone",
    changes: { [`${agent}/files/moving.ts`]: [["    await removeTree(copy).catch(() => {})\n", ""]] },
    caughtBy: [files, "moves within and across file systems"]
  },
  {
    defence: "a signal handler that raises between runs costs no state",
    changes: {
      [`${agent}/kernels/python/kernel.py`]: [[
        "if isinstance(error, OSError) and error.__traceback__.tb_next is None:",
        "if True:"
      ]]
    },
    caughtBy: [`${tests}/agent/codePython.test.ts`, "keep their state when a signal handler raises"]
  },
  {
    defence: "a signal handler that raises is only called where that is caught",
    changes: {
      [`${agent}/kernels/python/kernel.py`]: [[
        "self.allowed = False\n                self.mask = pthread_sigmask(SIG_BLOCK, self.others)",
        "self.allowed = False"
      ]]
    },
    caughtBy: [`${tests}/agent/codePython.test.ts`, "keep their state whenever a signal handler raises"]
  },
  {
    defence: "names of the code do not break the R kernel",
    changes: { [`${agent}/kernels/r/kernel.R`]: [["envir = new.env(parent = .BaseNamespaceEnv), ", ""]] },
    caughtBy: [`${tests}/agent/codeR.test.ts`, "may use every name"]
  },
  {
    defence: "a kernel that died is replaced, and says so",
    changes: { [`${agent}/kernels/kernels.ts`]: [["      lost = true\n", ""]] },
    caughtBy: [code, "python.*is replaced when it dies"]
  },
  {
    defence: "workspaces of the dead are swept",
    changes: {
      [`${sandbox}/disk/owner.ts`]: [[
        "if (owner.bootId !== here.bootId) return true",
        "if (owner.bootId !== here.bootId) return false"
      ]]
    },
    caughtBy: [whole, "is swept when its owner is gone"]
  },
  {
    defence: "workspaces of the living are not",
    changes: { [`${sandbox}/disk/owner.ts`]: [["owner.startTime !== startTime(owner.pid)", "true"]] },
    caughtBy: [whole, "is swept when its owner is gone"]
  },
  {
    defence: "without isolation: daemons are found by their tag",
    changes: {
      [`${sandbox}/launchPlan.ts`]: [["yield* Effect.addFinalizer(() => killStrays(tag))", ""]],
      [`${agent}/main.ts`]: [["    processes.killAll()\n", ""]]
    },
    caughtBy: [whole, "Sandbox, none takes daemons along"]
  },
  {
    defence: "without isolation: the workspace is removed",
    changes: {
      [`${sandbox}/disk/removeTree.ts`]: [["await Fs.promises.chmod(pathOf(found), 0o700)", ""]]
    },
    caughtBy: [whole, "is removed though user code has locked it"],
    only: "nobody"
  },
  {
    defence: "without isolation: the workspace is removed, however deep",
    changes: {
      [`${sandbox}/disk/removeTree.ts`]: [[
        "await within(root, (folder) => empty(folder, last))",
        "await Fs.promises.rm(root, { recursive: true, force: true })"
      ]]
    },
    caughtBy: [whole, "is removed though user code has made it deeper"]
  },
  {
    defence: "an owner that is dead is gone, reaped or not",
    changes: { [`${sandbox}/disk/owner.ts`]: [["processStat(owner.pid)?.isZombie === true || ", ""]] },
    caughtBy: [whole, "is swept when its owner is gone"]
  },
  {
    defence: "removing a workspace follows no link",
    changes: {
      [`${sandbox}/disk/removeTree.ts`]: [["O_PATH | O_DIRECTORY | O_NOFOLLOW", "O_PATH | O_DIRECTORY"]]
    },
    caughtBy: [whole, "is removed while user code puts links"]
  }
]
