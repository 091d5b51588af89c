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
    changes: { [`${kernel}/kernel_figures.py`]: [["switch(backend not in INTO_FILES)", "switch(True)"]] },
    caughtBy: "show no figures where the code has chosen a backend for files"
  },
  {
    defence: "figures that are made after ioff are not shown",
    changes: { [`${kernel}/kernel_figures.py`]: [["            quiet.add(manager)\n", "            pass\n"]] },
    caughtBy: "show no figures that were made after ioff, until some are made after ion"
  },
  {
    defence: "a library sets the formats of figures too",
    changes: {
      [`${kernel}/kernel_imports.py`]: [["{\"set_matplotlib_formats\": set_formats}", "{}"]],
      [`${kernel}/kernel_display.py`]: [[
        "import set_formats as set_matplotlib_formats",
        "import no_password as set_matplotlib_formats"
      ]]
    },
    caughtBy: "show figures in the formats that the code sets"
  },
  {
    defence: "a wrong interval of saving is told",
    changes: {
      [`${kernel}/kernel_magics_system.py`]: [[
        "    except ValueError:\n        raise UsageError(\"%%autosave",
        "    except LookupError:\n        raise UsageError(\"%%autosave"
      ]]
    },
    caughtBy: "tell a front end how often it saves"
  },
  {
    defence: "the last error is told again",
    changes: { [`${kernel}/kernel_errors.py`]: [["    return error\n", "    return None\n"]] },
    caughtBy: "keep the last error"
  },
  {
    defence: "the code of a run has no file",
    changes: { [`${kernel}/kernel_ipython.py`]: [["    oinspect.find_file = find_file\n", ""]] },
    caughtBy: "tell that a function of the code has no file"
  },
  {
    defence: "the shell lets code leave",
    changes: { [`${kernel}/kernel_ipython.py`]: [["    def ask_exit(self):\n        raise SystemExit\n", ""]] },
    caughtBy: "find the shell of a notebook, which code may leave"
  }
]
