/** What `attacksBodies.test.ts` watches over, each broken on purpose. */

const body = `packages/platform-node/src/internal/server/http/requestBody.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the size of a body",
    changes: {
      [body]: [["size <= limits.bodyBytes", "size <= 100 * limits.bodyBytes"], [
        "Number(headers[\"content-length\"] ?? 0) > limit ?",
        "Number(headers[\"content-length\"] ?? 0) > 100 * limit ?"
      ]]
    },
    caughtBy: "is not read to its end where it is too large"
  },
  {
    defence: "the announced size of a body",
    changes: {
      [body]: [[
        "Number(headers[\"content-length\"] ?? 0) > limit ?",
        "Number(headers[\"content-length\"] ?? 0) > 100 * limit ?"
      ]]
    },
    caughtBy: "is refused by its length"
  },
  {
    defence: "bodies are not decompressed",
    changes: {
      [body]: [[
        "(headers[\"content-encoding\"] ?? \"identity\") !== \"identity\"",
        "headers[\"content-encoding\"] === \"x\""
      ]]
    },
    caughtBy: "is not read to its end where it is too large or compressed"
  },
  {
    defence: "the number of values in JSON",
    changes: { [body]: [["cost: maxJsonCost", "cost: Infinity"]] },
    caughtBy: "is not parsed where it holds too many values"
  }
]
