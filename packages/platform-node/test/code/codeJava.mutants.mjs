/** What `codeJava.test.ts` watches over, each broken on purpose. */

const kernel = "packages/platform-node/agent/kernels/java/Kernel.java"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a program is called, and only a program",
    changes: { [kernel]: [["if (isOther || isType && program == null", "if (isType && program == null"]] },
    caughtBy: "calls the main method of code that only declares types"
  },
  {
    defence: "an expression that goes on is not cut at the end of its line",
    changes: { [kernel]: [["isComplete() || CONTINUED", "isComplete() || lines < 0 && CONTINUED"]] },
    caughtBy: "takes statements without semicolons"
  }
]
