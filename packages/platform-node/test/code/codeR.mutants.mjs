/** What `codeR.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "names of the code do not break the R kernel",
    changes: { [`${agent}/kernels/r/kernel.R`]: [["envir = new.env(parent = .BaseNamespaceEnv), ", ""]] },
    caughtBy: "may use every name"
  },
  {
    defence: "an interrupt that comes late meets no other run of R",
    changes: {
      [`${agent}/kernels/r/kernel.R`]: [
        ["      tryCatch(allowInterrupts(Sys.sleep(0)), interrupt = function(condition) NULL)\n", ""]
      ]
    },
    caughtBy: "are not interrupted for an earlier one"
  },
  {
    defence: "a limit of time in R ends with its expression",
    changes: { [`${agent}/kernels/r/kernel.R`]: [["      limit.time()\n", ""]] },
    caughtBy: "limits the time of its own expressions"
  },
  {
    defence: "a lasting limit of time in R holds for later expressions",
    changes: { [`${agent}/kernels/r/kernel.R`]: [["    if (length(limits) > 0) do.call(limit.time, limits)\n", ""]] },
    caughtBy: "limits the time of its own expressions"
  },
  {
    defence: "the warnings of an expression of R are known to the next",
    changes: { [`${agent}/kernels/r/kernel.R`]: [["      if (length(warned) > 0) last.warnings <<- warned\n", ""]] },
    caughtBy: "knows its last value and warnings"
  }
]
