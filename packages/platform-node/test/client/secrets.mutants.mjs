/** What `secrets.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const envelope = `${core}/internal/client/envelope.ts`
const session = `${core}/internal/session/session.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the key is taken out of a server's words",
    changes: { [envelope]: [["text.replaceAll(apiKey, \"<redacted>\").slice(0, 500)", "text.slice(0, 500)"]] },
    caughtBy: "401 with the key: no error, log line or span shows a secret"
  },
  {
    defence: "the key is taken out before the words are cut",
    changes: {
      [envelope]: [["redact(json.trim().slice(0, 4096)).slice(0, 200)", "redact(json.trim().slice(0, 200))"]]
    },
    caughtBy: "HTML with the key at the edge: no error"
  },
  {
    defence: "the key is taken out of the text of a tool that failed",
    changes: { [session]: [["reply.isError ? withoutKey(reply, client) : reply", "reply"]] },
    caughtBy: "a tool that failed with the key: no error, log line or span shows a secret"
  },
  {
    defence: "keys that the server chose are not named",
    changes: { [`${core}/AgbClient.ts`]: [["const { expected, place } =", "const { expected, field: place } ="]] },
    caughtBy: "a record with the key as a key: no error, log line or span shows a secret"
  },
  {
    defence: "what a server says cannot start a line or command a terminal",
    changes: {
      [`${core}/internal/wire/text/visibleText.ts`]: [[
        "export const visible = (text: string): string => text.replace(invisible, escape)",
        "export const visible = (text: string): string => text"
      ]]
    },
    caughtBy: "the words of a server a failure: stay on their line"
  },
  {
    defence: "a printed session hides its URL",
    changes: { [session]: [["const session = Session.of(conceal(", "const session = Session.of(((self) => self)("]] },
    caughtBy: "services, sessions and their answers show no secret"
  },
  {
    defence: "a copy of a printed object hides what the object hides",
    changes: {
      [`${core}/internal/wire/text/concealed.ts`]: [[
        "value: object[name], enumerable: false",
        "value: object[name], enumerable: true"
      ]]
    },
    caughtBy: "services, sessions and their answers show no secret"
  }
]
