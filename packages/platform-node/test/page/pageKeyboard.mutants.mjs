/** What `pageKeyboard.test.ts` watches over, each broken on purpose. */

const page = "packages/platform-node/page"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the key that leaves the terminal",
    changes: { [`${page}/terminal/openTerminal.ts`]: [["key !== \"F6\"", "key !== \"F20\""]] },
    caughtBy: "lets the keyboard out of the terminal"
  },
  {
    defence: "single keys can be turned off",
    changes: {
      [`${page}/parts/shortcuts.tsx`]: [["(!areOn.current || isTyping(event.target))", "isTyping(event.target)"]]
    },
    caughtBy: "lets the keyboard out of the terminal"
  },
  {
    defence: "the contrast of quiet text",
    changes: { [`${page}/style/colours.css`]: [["--quiet: #595c59", "--quiet: #9a9d9a"]] },
    caughtBy: "has no fault that axe-core knows, light"
  }
]
