/** What `heavyResults.test.ts` watches over, each broken on purpose. */

const sessions = "packages/platform-node/src/internal/server/sessions"
const channel = "packages/platform-node/src/internal/sandbox/channel"
const kernels = "packages/platform-node/agent/kernels/kernels.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a result has so many MIME types: the agent",
    changes: { [kernels]: [["if (types > maxTypes) {", "if (types < 0) {"]] },
    caughtBy: "fifty thousand MIME types",
    fails: "SessionLostError"
  },
  {
    defence: "a result has so many MIME types: the host",
    changes: {
      [`${sessions}/results.ts`]: [["Object.keys(value).length <= maxTypes", "Object.keys(value).length >= 0"]]
    },
    caughtBy: "so many results of so many MIME types"
  },
  {
    defence: "an error is so long",
    changes: { [kernels]: [["text.length <= length ?", "length > 0 ?"]] },
    caughtBy: "fails with megabytes"
  },
  {
    defence: "large answers leave the event loop",
    changes: { [`${channel}/largeAnswer.ts`]: [["answer.body.length > largeBodyBytes", "answer.body.length < 0"]] },
    caughtBy: "is left to another thread"
  }
]
