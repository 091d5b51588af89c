/** What `network.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a page token that was given before ends a list",
    changes: {
      [`${core}/internal/client/pages.ts`]: [["  given.add(token)\n", "  given.clear()\n  given.add(token)\n"]]
    },
    caughtBy: "whose page tokens repeat after 3 ends with an error"
  },
  {
    defence: "an earlier attempt that may have happened is not forgotten",
    changes: {
      [`${core}/internal/client/retry/outcome.ts`]: [[
        "return this.#mayHaveHappened ? withOutcome(error, true) : error",
        "return error"
      ]]
    },
    caughtBy: "is exact when the first attempt may have happened and the last was not sent"
  }
]
