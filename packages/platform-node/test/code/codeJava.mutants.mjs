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
  },
  {
    defence: "a definition says what it needs before it can be used",
    changes: { [kernel]: [["System.err.println(incomplete.get(part)", "String.valueOf(incomplete.get(part)"]] },
    caughtBy: "keeps definitions that need later ones"
  },
  {
    defence: "a definition that needs a later one is no error",
    changes: {
      [kernel]: [[
        "boolean isProgram = failure == null && program instanceof TypeDeclSnippet &&",
        "boolean isProgram ="
      ]]
    },
    caughtBy: "keeps definitions that need later ones"
  },
  {
    defence: "a call that comes too early names what is missing",
    changes: {
      [kernel]: [[
        "exception instanceof UnresolvedReferenceException early ?",
        "exception instanceof UnresolvedReferenceException early && places.isEmpty() ?"
      ]]
    },
    caughtBy: "keeps definitions that need later ones"
  },
  {
    defence: "a program has to be complete",
    changes: { [kernel]: [["if (isProgram) return", "if (isProgram && interrupted) return"]] },
    caughtBy: "keeps definitions that need later ones"
  },
  {
    defence: "the code's default handler of exceptions outlasts the snippet",
    changes: { [kernel]: [["own = handlerOfCode();", ""]] },
    caughtBy: "leaves uncaught exceptions of threads to the default handler"
  }
]
