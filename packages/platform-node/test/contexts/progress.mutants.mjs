/** What `progress.test.ts` watches over, each broken on purpose. */

const progress = "packages/platform-node/src/internal/contexts/sync/progress.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a copy that stands still is given up",
    changes: { [progress]: [["Math.min(this.#last + stallMillis, ", "Math.max(0, "]] },
    caughtBy: "that stands still is given up after a minute"
  },
  {
    defence: "a copy that trickles is given up",
    changes: { [progress]: [[", this.#started + baseMillis + this.#bytes / bytesPerMilli)", ")"]] },
    caughtBy: "that trickles is given up after ten minutes"
  },
  {
    defence: "the time of a copy follows its size",
    changes: { [progress]: [["baseMillis + this.#bytes / bytesPerMilli", "baseMillis"]] },
    caughtBy: "of a full workspace goes on for as long as it needs on a slow machine"
  }
]
