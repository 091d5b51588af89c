/** What `agent.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"
const noWindow = {
  [`${agent}/process/capture.ts`]: [["if (paused || unbounded || !window.isFull()) return", "return"]]
}

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "variables that a plain shell cannot name go around it",
    changes: { [`${agent}/process/marking.ts`]: [["unnameable.length === 0", "unnameable.length >= 0"]] },
    caughtBy: "takes variables of any name"
  },
  {
    defence: "no name of a variable is an option of env",
    changes: { [`${agent}/process/marking.ts`]: [["\"/usr/bin/env\", \"--\",", "\"/usr/bin/env\","]] },
    caughtBy: "takes variables of any name"
  },
  {
    defence: "descriptors of the host are closed",
    changes: { [`${agent}/main.ts`]: [["  closeInherited()\n", ""]] },
    caughtBy: "keeps no descriptor that it was started with"
  },
  {
    defence: "a timeout ends the children",
    changes: {
      [`${agent}/process/processes.ts`]: [
        ["const killGroup = () => signal(-pid, \"SIGKILL\")", "const killGroup = () => signal(pid, \"SIGKILL\")"],
        ["      for (const member of family) signal(member, \"SIGKILL\")\n", ""],
        ["      killUntilGone(where(isOfCall))\n", ""]
      ]
    },
    caughtBy: "ends a command that is too long, with its children"
  },
  {
    defence: "a timeout ends those that left the group",
    changes: {
      [`${agent}/process/processes.ts`]: [
        ["      for (const member of family) signal(member, \"SIGKILL\")\n", ""],
        ["      killUntilGone(where(isOfCall))\n", ""]
      ]
    },
    caughtBy: "ends a command that is too long, with its children and those that left"
  },
  {
    defence: "output is cut",
    changes: { [`${agent}/process/capture.ts`]: [["chunk.subarray(0, Math.min(limit - bytes, room()))", "chunk"]] },
    caughtBy: "cuts each stream at its limit"
  },
  {
    defence: "output is held back",
    changes: noWindow,
    caughtBy: "holds back output while the host does not take it"
  },
  {
    defence: "whoever ends all programs called node keeps the session",
    changes: { [`${agent}/main.ts`]: [["  nameProcess(\"agb-agent\")\n", ""]] },
    caughtBy: "is not called node"
  }
]
