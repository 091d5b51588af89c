/** What `memoryCgroup.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const cgroup = `${sandbox}/memory/cgroup.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "control groups, version 2: no swap beside the memory",
    changes: { [cgroup]: [["[\"memory.swap.max\", \"0\"], ", ""]] },
    caughtBy: "bounds memory and swap"
  },
  {
    defence: "control groups, version 2: the kills of the kernel",
    changes: { [cgroup]: [["/^oom_kill (", "/oom ("]] },
    caughtBy: "counts only what the kernel killed"
  },
  {
    defence: "control groups, version 2: what a dead host left is ended",
    changes: { [cgroup]: [["      killAll(group)\n", ""]] },
    caughtBy: "of a host that is gone is swept"
  },
  {
    defence: "control groups, version 2: the limit is required",
    changes: { [cgroup]: [["if (index === 0 || Fs.existsSync(path))", "if (Fs.existsSync(path))"]] },
    caughtBy: "is refused, and leaves nothing",
    only: "root"
  }
]
