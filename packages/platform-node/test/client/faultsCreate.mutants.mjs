/** What `faultsCreate.test.ts` watches over, each broken on purpose. */

const lifecycle = "packages/core/src/internal/lifecycle"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "creates in doubt are reconciled by their label",
    changes: {
      [`${lifecycle}/attempts.ts`]: [["if (doubt !== \"none\")", "if (label === \"\" && doubt !== \"none\")"]]
    },
    caughtBy: "in doubt for ever is a typed error that says that nothing happened"
  },
  {
    defence: "creates that were cut off are looked for again",
    changes: {
      [`${lifecycle}/reconciliation.ts`]: [[
        "this.#next(attempt, 0, undefined)",
        "Effect.sync(() => this.resolve(attempt.label))"
      ]]
    },
    caughtBy: "cannot be looked for at first is found later"
  },
  {
    defence: "creates that are interrupted are undone",
    changes: {
      [`${lifecycle}/supervisor.ts`]: [[
        "Effect.interruptible(Fiber.await(fiber)), () => this.#abandon([creation])",
        "Effect.interruptible(Fiber.await(fiber)), () => Effect.void"
      ]]
    },
    caughtBy: "and never answered is found by its label"
  }
]
