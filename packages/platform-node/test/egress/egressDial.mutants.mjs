/** What `egressDial.test.ts` watches over, each broken on purpose. */

const dial = `packages/platform-node/src/internal/egress/dial.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "outbound: a slow name keeps its turn",
    changes: { [dial]: [["    Effect.uninterruptible,\n", ""]] },
    caughtBy: "asks the system for one name of a session at a time"
  },
  {
    defence: "outbound: one name of a session at a time",
    changes: { [dial]: [["    sessionLookups,\n    Effect.disconnect", "    Effect.disconnect"]] },
    caughtBy: "asks the system for one name of a session at a time"
  },
  {
    defence: "outbound: silent name servers hold up nobody else",
    changes: {
      [dial]: [[
        "    sessionLookups,\n    Effect.disconnect",
        "    sessionLookups,\n    lookups,\n    Effect.disconnect"
      ]]
    },
    caughtBy: "is not held up by sessions"
  }
]
