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
    defence: "a run waits for work of Node's threads, which nothing lists",
    changes: {
      [`${agent}/kernels/javascript/loopEnd.ts`]: [["!isGivenUp && countKinds()", "isGivenUp && countKinds()"]]
    },
    caughtBy: "for a moment with what it has started"
  },
  {
    defence: "work that takes too long is not waited for by later runs",
    changes: { [`${agent}/kernels/javascript/loopEnd.ts`]: [["isGivenUp = true", "isGivenUp = false"]] },
    caughtBy: "work in threads of Node, and tells of what takes longer"
  },
  {
    defence: "a run that waits in vain says so",
    changes: { [`${agent}/kernels/javascript/kernel.ts`]: [["releaseLoop(tellUnsettled", "releaseLoop(keepLoop"]] },
    caughtBy: "a promise that nothing settles, and says so"
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
      [`${agent}/kernels/javascript/exits.ts`]: [["!own.has(listener) && !isOfNode(listener)", "event !== event"]]
    },
    caughtBy: "its own uncaught errors, as in node"
  },
  {
    defence: "a run that nothing is left of ends as a program",
    changes: {
      [`${agent}/kernels/javascript/kernel.ts`]: [[
        "description === \"\" && hasExitListeners()",
        "description !== description"
      ]]
    },
    caughtBy: "by an exit code that makes it fail"
  },
  {
    defence: "an exit listener does not turn a failure into success",
    changes: { [`${agent}/kernels/javascript/kernel.ts`]: [["failure: error = given, limit", "limit, error = given"]] },
    caughtBy: "when it fails, with the error that it failed with"
  },
  {
    defence: "a stopped immediate does not stop all later ones",
    changes: {
      [`${agent}/kernels/javascript/activity.ts`]: [[
        "if (!isLost || immediate === undefined)",
        "if (isLost || immediate === undefined)"
      ]]
    },
    caughtBy: "its immediates, also after one was stopped"
  },
  {
    defence: "a package whose program has ended is loaded anew",
    changes: { [`${agent}/kernels/javascript/programEnd.ts`]: [["name.startsWith(folder)", "name === folder"]] },
    caughtBy: "by packages that later runs load anew"
  },
  {
    defence: "System.exit ends no kernel",
    changes: { [`${agent}/kernels/java/Kernel.java`]: [["if (!found) return code;", "if (true) return code;"]] },
    caughtBy: "by itself, and keeps its state"
  },
  {
    defence: "no program takes the kernel's listeners away",
    changes: {
      [`${agent}/kernels/javascript/exits.ts`]: [["      listen()\n      return process", "      return process"]]
    },
    caughtBy: "uncaught errors of a run that removes all listeners"
  },
  {
    defence: "a connection that waits at a server is no work of a run",
    changes: {
      [`${agent}/kernels/javascript/resources.ts`]: [[
        "minus(minus(kinds, leftOut), acceptedKinds())",
        "minus(kinds, leftOut)"
      ]]
    },
    caughtBy: "connections that its servers have taken"
  }
]
