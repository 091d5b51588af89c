/** What `codeContexts.test.ts` watches over, each broken on purpose. */

const kernel = "packages/core/src/internal/session/codeContexts/kernel.ts"
const run = "packages/core/src/internal/session/codeContexts/contextRun.ts"
const python = "packages/core/src/internal/session/codeContexts/pythonKernel.ts"
const javascript = "packages/core/src/internal/session/codeContexts/javascriptKernel.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an aborted run is stopped once it has begun",
    changes: {
      [kernel]: [["Effect.zipRight(Effect.zipRight(isSent, this.interrupt(operation)), drained)", "drained"]]
    },
    caughtBy: "promises: a context runs, tells, is interrupted, restarted and closed"
  },
  {
    defence: "an interrupt that meets a dead kernel is none",
    changes: { [kernel]: [["error.reason === \"Ended\"", "false"]] },
    caughtBy: "what becomes of a run is only ever what its session has told"
  },
  {
    defence: "a kernel whose holder was killed has lost its state",
    changes: {
      [run]: [["this.#fail(this.#unknown(error.message, false))", "this.#fail(this.#unknown(error.message, true))"]]
    },
    caughtBy: "what becomes of a run is only ever what its session has told"
  },
  {
    defence: "a definition of what never comes is an error of Java",
    changes: {
      "packages/core/src/internal/session/codeContexts/javaKernel.ts": [[
        "            if (isIncomplete(event.status())) incomplete.put((DeclarationSnippet) snippet, start);\n",
        ""
      ]]
    },
    caughtBy: "Java: definitions that refer to each other, and errors at their lines"
  },
  {
    defence: "each figure is shown once",
    changes: { [python]: [["            sys.modules[\"matplotlib.pyplot\"].close(value)\n", "            pass\n"]] },
    caughtBy: "Python: figures, rich values, top-level await, and what escapes a run"
  },
  {
    defence: "an error of a timer does not end the kernel",
    changes: {
      [javascript]: [[
        "process.on(\"uncaughtException\", (error) => console.error(\"Uncaught \" + describe(error).traceback))\n",
        ""
      ]]
    },
    caughtBy: "JavaScript: declared again, awaited, required, and errors of timers"
  }
]
