/** What `pageTimeline.test.ts` watches over, each broken on purpose. */

const page = "packages/platform-node/page"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the sandbox of what a session displays",
    changes: {
      [`${page}/parts/frame.tsx`]: [["sandbox=\"allow-scripts\"", "sandbox=\"allow-scripts allow-same-origin\""]]
    },
    caughtBy: "with figures, tables, colours"
  },
  {
    defence: "the bound of the output that a page keeps",
    changes: {
      [`${page}/state/timeline.ts`]: [["charactersPerEntry = 64 * 1024", "charactersPerEntry = 64 * 2 ** 20"]]
    },
    caughtBy: "stays small and usable under a flood"
  },
  {
    defence: "what a page knows after a lost connection",
    changes: {
      [`${page}/state/sessionModel.ts`]: [[
        "if (hello.isReset || this.#seen === undefined)",
        "if (hello.isReset || this.#seen !== undefined)"
      ]]
    },
    caughtBy: "loses nothing to a lost connection"
  },
  {
    defence: "the newest entry is not followed where somebody reads",
    changes: {
      [`${page}/timeline/following.ts`]: [[
        "else if (scrollTop < last.current) follow(false)",
        "else if (scrollTop < last.current) follow(true)"
      ]]
    },
    caughtBy: "follows the newest until somebody scrolls up"
  }
]
