/** What `serverFailures.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "no descriptors left is the end of no session",
    changes: {
      [`${sandbox}/process/forkServer.cjs`]: [[
        "error.code !== \"ERR_INTERNAL_ASSERTION\"",
        "error.code !== \"another\""
      ]]
    },
    caughtBy: "out of file descriptors"
  }
]
