/** What `serverProcess.test.ts` watches over, each broken on purpose. */

const source = "packages/platform-node/src"
const caughtBy = "leaves nothing: a process of its own sweeps"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what the end of a server has no time for is done after it",
    changes: {
      [`${source}/internal/cli/serve.ts`]: [[
        "      if (program !== undefined) setTimeout(() => sweepAfterExit(program), readyToSweepMs).unref()\n",
        ""
      ]]
    },
    caughtBy
  },
  {
    defence: "a sweep waits for the end of the process after which it comes",
    changes: { [`${source}/internal/cli/sweep.ts`]: [["  await exitOf(before)\n", ""]] },
    caughtBy
  },
  {
    defence: "a sweep removes the sessions of those that were killed",
    changes: { [`${source}/internal/cli/sweep.ts`]: [["[sweepWorkspaces, ", "["]] },
    caughtBy
  },
  {
    defence: "a sweep removes the contexts of those that were killed",
    changes: { [`${source}/internal/cli/sweep.ts`]: [[", sweepContexts, ", ", "]] },
    caughtBy
  },
  {
    defence: "the end of a server does not wait its turn on a busy machine",
    changes: { [`${source}/internal/cli/serve.ts`]: [["      goFirst()\n", ""]] },
    caughtBy: "goes before all others on the processor while it ends, and so does its sweep",
    only: "root"
  },
  {
    defence: "a sweep does not wait its turn on a busy machine",
    changes: {
      [`${source}/internal/cli/serve.ts`]: [["--all-tasks\", \"--rr", "--all-tasks\", \"--reset-on-fork\", \"--rr"]]
    },
    caughtBy: "goes before all others on the processor while it ends, and so does its sweep",
    only: "root"
  }
]
