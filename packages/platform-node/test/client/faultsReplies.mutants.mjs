/** What `faultsReplies.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const tools = `${core}/AgbTools.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what names no exit code is no exit code 0",
    changes: {
      [tools]: [
        [
          "      stdout: Schema.String,\n      stderr: Schema.String,\n      exit_code: Schema.Int,",
          "      stdout: Schema.optionalWith(Schema.String, { default: () => \"\" }),\n      stderr: Schema.optionalWith(Schema.String, { default: () => \"\" }),\n      exit_code: Schema.optionalWith(Schema.Int, { default: () => 0 }),"
        ]
      ]
    },
    caughtBy: "never ended with code 0"
  }
]
