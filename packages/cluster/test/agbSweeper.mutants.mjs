/** What `agbSweeper.test.ts` watches over, each broken on purpose. */

const sweeper = "packages/cluster/src/AgbSweeper.ts"
const claim = "packages/cluster/src/internal/claim.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a session is kept for as long as its workflow may run",
    changes: {
      [sweeper]: [[
        "// It runs at the moment, or is none of these workflows.\n      return { _tag: \"Unknown\" }",
        "return { _tag: \"Still\", sign: \"\" }"
      ]]
    },
    caughtBy: "of another workflow, or of none, is kept"
  },
  {
    defence: "an owner must have ended for a while",
    changes: { [sweeper]: [["if (now - since < this.#grace) return", "if (now - since < 0) return"]] },
    caughtBy: "is kept while its workflow runs in memory"
  },
  {
    defence: "an entity shows that it runs",
    changes: {
      [claim]: [["Effect.zipRight(Effect.ignore(this.#pulse), Effect.sleep(pulseEvery))", "Effect.sleep(pulseEvery)"]]
    },
    caughtBy: "is kept while its entity runs, and deleted some time after"
  },
  {
    defence: "entities of others are kept",
    changes: { [sweeper]: [["this.#entities.has(owner.type) ? yield*", "this.#entities.size > 0 ? yield*"]] },
    caughtBy: "of another workflow, or of none, is kept"
  }
]
