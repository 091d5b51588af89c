/** What `fullDisk.test.ts` watches over, each broken on purpose. */

const scripts = "packages/core/src/internal/session/processes/scripts.ts"
const pipes = "packages/platform-node/agent/process/pipes.ts"
const platform = "packages/platform-node/src/internal"
const process = "a process fails to start by name"
const record = "without an inode for a record of that"
const begin = "has too little room to begin with"
const blocks = "without blocks, a runtime refuses by name"
const inodes = "without inodes, a runtime refuses by name"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a full disk: no process runs without room for its records",
    changes: { [scripts]: [["prepare 2>/dev/null || { rm -rf \"$dir\"; exit 0; }", "prepare 2>/dev/null"]] },
    caughtBy: process,
    only: "root"
  },
  {
    defence: "a full disk: what is half there of a process does not keep it from starting later",
    changes: { [scripts]: [["{ rm -rf \"$dir\"; exit 0; }", "exit 0"]] },
    caughtBy: process,
    only: "root"
  },
  {
    defence: "a full disk: a process is killed without a record of the signal",
    changes: { [scripts]: [["|| ! [ -d \"kill.${call}\" ] ||", "||"]] },
    caughtBy: record,
    only: "root"
  },
  {
    defence: "a full disk: a time limit holds",
    changes: { [scripts]: [["mv \"$dir/late.new\" \"$dir/late\"", ": >\"$dir/late\""]] },
    caughtBy: record,
    only: "root"
  },
  {
    defence: "a full disk: is why there are no pipes",
    changes: { [pipes]: [["{ code: \"ENOSPC\" } : {}", "{} : {}"]] },
    caughtBy: begin,
    only: "root"
  },
  {
    defence: "a full disk: leaves no workspace half made",
    changes: {
      [`${platform}/sandbox/disk/ownedDirectory.ts`]: [[
        "    Fs.rmSync(root, { recursive: true, force: true })\n    throw error",
        "    throw error"
      ]]
    },
    caughtBy: begin,
    only: "root"
  },
  {
    defence: "a full disk: leaves no context half made",
    changes: {
      [`${platform}/contexts/store/contextStore.ts`]: [[
        "      await Fs.promises.rm(unfinished, { recursive: true, force: true }).catch(() => {})\n",
        ""
      ]]
    },
    caughtBy: blocks,
    only: "root"
  },
  {
    defence: "a full disk: leaves no part of a file of a context",
    changes: {
      [`${platform}/contexts/store/stagedFile.ts`]: [[
        "    await Fs.promises.rm(this.#path, { force: true }).catch(() => {})\n",
        ""
      ]]
    },
    caughtBy: blocks,
    only: "root"
  },
  {
    defence: "a full disk: is said to be full",
    changes: { [`${platform}/contexts/store/storageFailure.ts`]: [["    case \"ENOSPC\":\n", ""]] },
    caughtBy: inodes,
    only: "root"
  }
]
