/** What `slowReaders.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"
const noWindow = {
  [`${agent}/process/capture.ts`]: [["if (paused || unbounded || !window.isFull()) return", "return"]]
}

const sandbox = "packages/platform-node/src/internal/sandbox"
const connection = `${sandbox}/channel/connection.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a slow reader of a run holds it back",
    changes: noWindow,
    caughtBy: "holds up its own run alone"
  },
  {
    defence: "a slow reader of a run holds up nothing else",
    changes: { [connection]: [["const maxUnreadBytes = 64 * 1024 * 1024", "const maxUnreadBytes = 128 * 1024"]] },
    caughtBy: "holds up its own run alone"
  },
  {
    defence: "many slow readers cost little",
    changes: noWindow,
    caughtBy: "of a hundred readers who stop costs little"
  }
]
