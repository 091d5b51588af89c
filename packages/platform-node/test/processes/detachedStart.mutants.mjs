/** What `detachedStart.test.ts` watches over, broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a detached start is not broken off halfway",
    changes: {
      "packages/core/src/internal/session/processes/processes.ts": [[
        "Effect.disconnect(Effect.uninterruptible(started))",
        "started"
      ]]
    },
    caughtBy: "goes on, at whatever moment"
  }
]
