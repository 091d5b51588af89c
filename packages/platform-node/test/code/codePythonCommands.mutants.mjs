/** What `codePythonCommands.test.ts` watches over, each broken on purpose. */

const kernel = "packages/platform-node/agent/kernels/python"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a value stays before what is shown after it",
    changes: { [`${kernel}/kernel.py`]: [["line, self.last = self.last + line, b\"\"", "pass"]] },
    caughtBy: "show values and figures in order"
  },
  {
    defence: "what a command leaves behind keeps its output",
    changes: { [`${kernel}/kernel_terminal.py`]: [["if BACKGROUND.search(command) or ", "if "]] },
    caughtBy: "leave processes behind, which keep their output"
  },
  {
    defence: "an interrupted command ends the run",
    changes: {
      [`${kernel}/kernel_terminal.py`]: [
        ["        if code in INTERRUPTED:\n", "        if False:\n"],
        ["        end(child)\n        raise\n", "        end(child)\n        return 0\n"]
      ]
    },
    caughtBy: "end with a run that is interrupted"
  },
  {
    defence: "nothing waits for the manager of a pool of processes",
    changes: { [`${kernel}/kernel_threads.py`]: [["endswith(\"ExecutorManagerThread\")", "endswith(\"?\")"]] },
    caughtBy: "wait for no manager of a pool of processes"
  },
  {
    defence: "figures for files are not shown",
    changes: { [`${kernel}/kernel_figures.py`]: [["shows = backend not in INTO_FILES", "shows = True"]] },
    caughtBy: "show no figures where the code has chosen a backend for files"
  },
  {
    defence: "a wrong interval of saving is told",
    changes: { [`${kernel}/kernel_magics_system.py`]: [["    except ValueError:\n        raise UsageError(\"%%autosave", "    except LookupError:\n        raise UsageError(\"%%autosave"]] },
    caughtBy: "tell a front end how often it saves"
  }
]
