/** What `codecs.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "records from a server change no prototype",
    changes: {
      [`${core}/internal/wire/codecs.ts`]: [[
        "ParseResult.succeed(input as Readonly<Record<string, string>>)",
        "ParseResult.succeed(Object.entries(input).reduce((all, [key, value]) => { all[key] = value; return all }, {} as Record<string, string>))"
      ]]
    },
    caughtBy: "reaches for prototypes|__proto__"
  }
]
