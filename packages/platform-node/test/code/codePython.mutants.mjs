/** What `codePython.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a signal handler that raises between runs costs no state",
    changes: {
      [`${agent}/kernels/python/kernel.py`]: [[
        "if isinstance(error, OSError) and error.__traceback__.tb_next is None:",
        "if True:"
      ]]
    },
    caughtBy: "keep their state when a signal handler raises"
  },
  {
    defence: "a signal handler that raises is only called where that is caught",
    changes: {
      [`${agent}/kernels/python/kernel.py`]: [[
        "self.allowed = False\n                self.mask = pthread_sigmask(SIG_BLOCK, self.others)",
        "self.allowed = False"
      ]]
    },
    caughtBy: "keep their state whenever a signal handler raises"
  },
  {
    defence: "an error whose text cannot be had keeps its traceback",
    changes: {
      [`${agent}/kernels/python/kernel_errors.py`]: [[
        "type(error).__name__, text_of(error),",
        "type(error).__name__, str(error),"
      ]]
    },
    caughtBy: "tell where an error was raised that cannot be told itself"
  }
]
