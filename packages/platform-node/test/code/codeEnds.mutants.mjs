/** What `codeEnds.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "nothing of the code runs after process.exit",
    changes: {
      [`${agent}/kernels/javascript/exits.ts`]: [["return stopExecution(session)", "return undefined as never"]]
    },
    caughtBy: "by itself, and nothing in the code goes on after that"
  },
  {
    defence: "what an earlier run exits with ends no other run",
    changes: {
      [`${agent}/kernels/javascript/kernel.ts`]: [[
        "  if (stray !== undefined) return writeStray(stray, `process.exit(${code})`)\n  if (current === undefined || isOfEndedRun()) return\n",
        "  if (current === undefined) return\n"
      ]]
    },
    caughtBy: "only itself, when an earlier run exits late"
  },
  {
    defence: "a run waits for what it has started",
    changes: { [`${agent}/kernels/javascript/kernel.ts`]: [["const lingerMs = 2000", "const lingerMs = 0"]] },
    caughtBy: "for a moment with what it has started"
  },
  {
    defence: "late output is not taken for that of the next run",
    changes: {
      [`${agent}/kernels/kernelProcess.ts`]: [[
        "...stderr.begin(output.stderr)], output.stderr.push)",
        "...stderr.begin(output.stderr)], output.stdout.push)"
      ]]
    },
    caughtBy: "what it writes later is told apart"
  },
  {
    defence: "the code's own handlers of uncaught errors are honoured",
    changes: {
      [`${agent}/kernels/javascript/exits.ts`]: [["process.listenerCount(event) > 1", "false && event === \"\""]]
    },
    caughtBy: "its own uncaught errors, as in node"
  },
  {
    defence: "System.exit ends no kernel",
    changes: { [`${agent}/kernels/java/Kernel.java`]: [["if (!found) return code;", "if (true) return code;"]] },
    caughtBy: "by itself, and keeps its state"
  }
]
