/** What `gateVerdict.test.ts` watches over, each broken on purpose. */

const verdict = "packages/cluster/test/gate/verdict.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the gate notices an effect that happened twice",
    changes: { [verdict]: [["([, all]) => all.length > 1)", "([, all]) => all.length > 2)"]] },
    caughtBy: "fails on an effect that is missing, repeated"
  },
  {
    defence: "the gate notices an effect that did not happen",
    changes: { [verdict]: [["!effects.has(effect)", "effect === ledger"]] },
    caughtBy: "fails on an effect that is missing, repeated"
  },
  {
    defence: "the gate notices a false exit code",
    changes: { [verdict]: [["return seen === wanted ?", "return seen !== \"\" ?"]] },
    caughtBy: "saw what it should not have"
  }
]
