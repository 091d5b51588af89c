/** What `agbCompletions.test.ts` watches over, each broken on purpose. */

const source = "packages/cli/src/output/completions.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what stands after -- is not completed as an option of agb",
    changes: { [source]: [["do [[ $word == -- ]] && return; done", "do [[ $word == --- ]] && return; done"]] },
    caughtBy: "bash offers commands, options, choices and files"
  },
  {
    defence: "choices are offered one by one",
    changes: { [source]: [["value.replaceAll(\"|\", \" \")", "value"]] },
    caughtBy: "bash offers commands, options, choices and files"
  }
]
