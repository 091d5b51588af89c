/** What `codeJavaScript.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
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
