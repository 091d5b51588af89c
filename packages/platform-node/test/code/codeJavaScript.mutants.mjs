/** What `codeJavaScript.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a thread that begins with the code's own file gets the code",
    changes: {
      [`${agent}/kernels/javascript/ownFile.ts`]: [["pathOf(from) === file", "pathOf(from) === undefined"]]
    },
    caughtBy: "is given to threads that begin with it"
  },
  {
    defence: "a process that begins with the code's own file gets the code",
    changes: {
      [`${agent}/kernels/javascript/ownFile.ts`]: [["args[at] === file", "args[at] === undefined"]]
    },
    caughtBy: "is given to processes that begin with it"
  },
  {
    defence: "code that has run is not run again as the body of a function",
    changes: {
      [`${agent}/kernels/javascript/kernel.ts`]: [[" && !/^\\s+at /m.test(traceback) && !isScript(code)", ""]]
    },
    caughtBy: "may return, as from a function"
  },
  {
    defence: "what Node refuses as a module is refused",
    changes: {
      [`${agent}/kernels/javascript/moduleRewrite.ts`]: [[
        "if (fault !== undefined) return fault",
        "if (fault === null) return fault"
      ]]
    },
    caughtBy: "are strict, without a `this`"
  },
  {
    defence: "a declaration may have the name of a global that cannot be set",
    changes: {
      [`${agent}/kernels/javascript/globals.ts`]: [["property.set !== undefined ||", "property.set === undefined ||"]]
    },
    caughtBy: "lets declarations take the names of globals"
  },
  {
    defence: "the code cannot take the kernel's globals from it",
    changes: { "scripts/agentBundle.mjs": [["kernel, [\"kernels/javascript/ownGlobals.ts\"])", "kernel)"]] },
    caughtBy: "lets declarations take the names of globals"
  },
  {
    defence: "timers that are due come before immediates",
    changes: { [`${agent}/kernels/javascript/kernel.ts`]: [["inTurn(() => run(line))", "run(line)"]] },
    caughtBy: "is before the first turn"
  },
  {
    defence: "a name that a module does not export is an error",
    changes: { [`${agent}/kernels/javascript/moduleGlobals.ts`]: [["if (missing === undefined) return", "return"]] },
    caughtBy: "are loaded before everything else"
  },
  {
    defence: "imports come before all other statements",
    changes: {
      [`${agent}/kernels/javascript/moduleRewrite.ts`]: [[
        "if (!(\"directive\" in statement)) head ??= statement.start",
        "if (hoisted === \"never\") head ??= statement.start"
      ]]
    },
    caughtBy: "are loaded before everything else"
  }
]
