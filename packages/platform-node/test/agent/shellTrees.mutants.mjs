/** What `shellTrees.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"
const marking = `${agent}/process/marking.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "process trees: orphans without environment are found by their mark",
    changes: { [marking]: [["found === mark || ", ""]] },
    caughtBy: "bwrap.*end with a call that takes too long"
  },
  {
    defence: "process trees: a mark that no call has",
    changes: { [marking]: [["found === mark || isMark(found) && found < lowest", "found === mark"]] },
    caughtBy: "bwrap.*end with a call that takes too long"
  },
  {
    defence: "process trees: what a run has started ends with it",
    changes: {
      [`${agent}/kernels/kernels.ts`]: [["if (isLate || call.signal.aborted) kernel.killStarted()", ""]]
    },
    caughtBy: "bwrap.*end with a run that takes too long"
  },
  {
    defence: "process trees: what earlier runs have started does not",
    changes: { [`${agent}/process/processTable.ts`]: [["filter((pid) => !older.has(pid))", "filter(() => true)"]] },
    caughtBy: "bwrap.*end with a run that takes too long"
  },
  {
    defence: "process trees: a call ends what forks faster than it is found",
    changes: {
      [`${agent}/process/processes.ts`]: [[
        "visitForked(before, lastPid, (pid) => isMeant(pid) && kill(pid), lasts)",
        "isMeant(before) || true"
      ]]
    },
    caughtBy: "fork fast.*end with.*a call that takes too long"
  }
]
