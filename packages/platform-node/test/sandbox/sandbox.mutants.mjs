/** What `sandbox.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const connection = `${sandbox}/channel/connection.ts`
const agent = "packages/platform-node/agent"
const bwrap = `${sandbox}/confine/bwrap.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what is not read is bounded, whatever the agent keeps to",
    changes: { [connection]: [["|| this.#unread > maxUnreadBytes", ""]] },
    caughtBy: "is held back whatever its agent keeps to"
  },
  {
    defence: "without isolation: daemons are found by their marks",
    changes: {
      [`${sandbox}/launchPlan.ts`]: [["yield* Effect.addFinalizer(() => killStrays(strays))", ""]],
      [`${agent}/main.ts`]: [["    processes.killAll()\n", ""]]
    },
    caughtBy: "Sandbox, none takes daemons along"
  },
  {
    defence: "many sessions that end together look at the processes of the machine together",
    changes: { [`${sandbox}/disk/strays.ts`]: [["sharedRead(readProcesses)", "readProcesses"]] },
    caughtBy: "look for their daemons together"
  },
  {
    defence: "death with the host",
    changes: { [bwrap]: [["\"--die-with-parent\", ", ""]] },
    caughtBy: "are gone, whether their agents run or stand still"
  }
]
