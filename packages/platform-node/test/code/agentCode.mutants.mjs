/** What `agentCode.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "results are no heavier than the host takes",
    changes: { [`${agent}/kernels/kernels.ts`]: [["left -= cost", ""]] },
    caughtBy: "gives JSON that is too heavy or too deep as text"
  },
  {
    defence: "a run that is too long is interrupted",
    changes: { [`${agent}/kernels/kernels.ts`]: [["    kernel.interrupt()\n", ""]] },
    caughtBy: "python.*is interrupted after its time and keeps its state"
  },
  {
    defence: "input() is the end of the file at once",
    changes: { [`${agent}/kernels/python/kernel.py`]: [["builtins.input = no_input", "pass"]] },
    caughtBy: "python.*shows the user's own lines and no others"
  },
  {
    defence: "a kernel that died is replaced, and says so",
    changes: { [`${agent}/kernels/kernels.ts`]: [["      lost = true\n", ""]] },
    caughtBy: "python.*is replaced when it dies"
  }
]
