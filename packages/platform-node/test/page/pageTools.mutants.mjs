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
  },
  {
    defence: "what is typed before a shell is reached waits for it",
    changes: {
      [`${page}/terminal/openTerminal.ts`]: [["early.push(data)", "socket.onerror = null"]]
    },
    caughtBy: "keeps what is typed before its shell is reached"
  }
]
