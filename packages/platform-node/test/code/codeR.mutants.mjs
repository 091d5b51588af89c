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
        ["      tryCatch(Sys.sleep(0), interrupt = function(condition) NULL)\n", ""]
      ]
    },
    caughtBy: "are not interrupted for an earlier one"
  }
]
