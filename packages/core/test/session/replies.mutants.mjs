/** What `replies.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const run = `${core}/internal/wire/results/runCodeResult.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the page of a proxy is no output",
    changes: { [run]: [["&& !isGatewayText(typeof value === \"string\" ? value : text)", ""]] },
    caughtBy: "a run is unknown after \\\"502 Bad Gateway"
  },
  {
    defence: "null is no output",
    changes: { [run]: [["typeof value !== \"object\" && ", ""]] },
    caughtBy: "a run is unknown after \\\"null\\\""
  },
  {
    defence: "the page of a proxy confirms nothing",
    changes: {
      [`${core}/internal/wire/results/fileTexts.ts`]: [[
        "!isGatewayText(text) && text.trim() !== \"null\"",
        "text !== \"\\0\""
      ]]
    },
    caughtBy: "writeFile does not succeed with the page of a proxy"
  }
]
