/** What `secrets.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const client = `${core}/AgbClient.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the key is taken out of a server's words",
    changes: {
      [client]: [["text.replaceAll(Redacted.value(config.apiKey), \"<redacted>\").slice(0, 500)", "text.slice(0, 500)"]]
    },
    caughtBy: "401 with the key: no error, log line or span shows a secret"
  },
  {
    defence: "the key is taken out before the words are cut",
    changes: {
      [`${core}/internal/client/envelope.ts`]: [[
        "redact(json.trim().slice(0, 4096)).slice(0, 200)",
        "redact(json.trim().slice(0, 200))"
      ]]
    },
    caughtBy: "HTML with the key at the edge: no error"
  }
]
