/** What `parity.test.ts` watches over, each broken on purpose. */

const parity = "packages/platform-node/test/parity"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "representations of values are compared whole",
    changes: {
      [`${parity}/compare.ts`]: [[
        "{ ...each, data: plainData(each.data) }",
        "{ ...each, data: Object.keys(each.data) }"
      ]]
    },
    caughtBy: "differ by each representation, its type and whether it is the value"
  },
  {
    defence: "the message of an error is compared",
    changes: {
      [`${parity}/compare.ts`]: [["plain(`${output.error.name}: ${output.error.value}`)", "output.error.name"]]
    },
    caughtBy: "differ by every aspect"
  },
  {
    defence: "only where a package is missing is an error no question",
    changes: { [`${parity}/compare.ts`]: [["missing && error !== null", "error !== null"]] },
    caughtBy: "are excluded by what ipykernel says of them"
  },
  {
    defence: "chance excuses no other difference",
    changes: { [`${parity}/judge.ts`]: [["cell.differs.every(", "cell.differs.length === 0 && cell.differs.every("]] },
    caughtBy: "show chance where ipykernel differs from itself in the same way"
  },
  {
    defence: "a cell that the session did not run differs",
    changes: { [`${parity}/judge.ts`]: [["other ?? nothing", "other ?? one"]] },
    caughtBy: "are compared in order, and a missing one differs"
  },
  {
    defence: "cells that are not compared do not raise the share",
    changes: { [`${parity}/report.ts`]: [["equal / compared.length", "equal / cells.length"]] },
    caughtBy: "the share counts the cells that are compared, and tells the others by reason"
  },
  {
    defence: "nothing compared is no success",
    changes: { [`${parity}/report.ts`]: [["compared.length === 0 ? 0 :", "compared.length === 0 ? 1 :"]] },
    caughtBy: "the share counts the cells that are compared, and tells the others by reason"
  }
]
