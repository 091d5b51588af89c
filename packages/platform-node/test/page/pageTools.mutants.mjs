/** What `pageTools.test.ts` watches over, each broken on purpose. */

const page = "packages/platform-node/page"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the size of the terminal follows the window",
    changes: {
      [`${page}/terminal/openTerminal.ts`]: [[
        "send(JSON.stringify({ columns: cols, rows })))",
        "send(JSON.stringify({ columns: cols, lines: rows })))"
      ]]
    },
    caughtBy: "which follows the size of the window"
  }
]
