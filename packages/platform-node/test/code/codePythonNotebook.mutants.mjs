/** What `codePythonNotebook.test.ts` watches over, each broken on purpose. */

const kernel = "packages/platform-node/agent/kernels/python"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a figure that cannot be drawn is closed",
    changes: { [`${kernel}/kernel_figures.py`]: [["        finally:\n", "        else:\n"]] },
    caughtBy: "fails only the run whose figure cannot be drawn"
  },
  {
    defence: "commands are not looked for in strings",
    changes: { [`${kernel}/kernel_magic.py`]: [["if text in ENDS:", "if False:"]] },
    caughtBy: "looks for commands where statements begin"
  },
  {
    defence: "commands are not looked for in brackets",
    changes: { [`${kernel}/kernel_magic.py`]: [["elif text == \"\\n\" and depth == 0:", "elif text == \"\\n\":"]] },
    caughtBy: "looks for commands where statements begin"
  },
  {
    defence: "each run warns again",
    changes: { [`${kernel}/kernel.py`]: [["self.names.pop(\"__warningregistry__\", None)", "pass"]] },
    caughtBy: "warns again in each run"
  },
  {
    defence: "an error that a magic only prints fails the run",
    changes: { [`${kernel}/kernel_ipython.py`]: [["        if exc_tuple is None:\n", "        if False:\n"]] },
    caughtBy: "fails a run whose cell magic fails"
  },
  {
    defence: "a text that ends a line does not end another",
    changes: { [`${kernel}/kernel_pretty.py`]: [["text.splitlines()", "text.split(\"\\n\")"]] },
    caughtBy: "prints values as IPython does"
  },
  {
    defence: "an end of line in a value breaks one group",
    changes: {
      [`${kernel}/kernel_layout.py`]: [["        self.next_group()\n        self.flush()", "        self.flush()"]]
    },
    caughtBy: "breaks lines as IPython does"
  },
  {
    defence: "the results of a run are bounded",
    changes: { [`${kernel}/kernel.py`]: [["if self.size > 3 * self.limit:", "if False:"]] },
    caughtBy: "sends large results whole"
  }
]
