/** What `faultsCreate.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const supervisor = `${core}/internal/lifecycle/supervisor.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "creates in doubt are reconciled by their label",
    changes: { [supervisor]: [["if (error.mayHaveHappened) {", "if (error.mayHaveHappened && label === \"\") {"]] },
    caughtBy: "in doubt for ever is a typed error that says that nothing happened"
  },
  {
    defence: "creates that were cut off are looked for again",
    changes: { [supervisor]: [["[500, 1000, 2000, 4000, 8000].map(Duration.millis)", "[]"]] },
    caughtBy: "cannot be looked for at first is found later"
  },
  {
    defence: "creates that are interrupted are undone",
    changes: {
      [supervisor]: [["Effect.onInterrupt(() => start(rollBack(creation)))", "Effect.onInterrupt(() => Effect.void)"]]
    },
    caughtBy: "ends at once, and what comes of it is deleted"
  }
]
