/** What `filesSearch.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a search looks at so many entries",
    changes: {
      [`${agent}/files/search.ts`]: [["const maxVisited = 200_000", "const maxVisited = 200_000_000"], [
        "const maxFound = 10_000",
        "const maxFound = 10_000_000"
      ]]
    },
    caughtBy: "says so when there is more than it looks at or finds"
  },
  {
    defence: "a search takes so long",
    changes: {
      [`${agent}/files/search.ts`]: [["if (performance.now() > until)", "if (performance.now() > 100 * until)"]]
    },
    caughtBy: "gives up after its time"
  }
]
