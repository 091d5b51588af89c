/** What `lostReplies.test.ts` watches over, broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a session that was created for a client that has gone ends",
    changes: {
      "packages/platform-node/src/internal/server/routes/apiRoute.ts": [[
        "isWritten ? Effect.void : endUnknown(sessionId)",
        "Effect.void"
      ]]
    },
    caughtBy: "ends at once"
  }
]
