/** Defences of the client: what is never done twice, never left behind and never shown. */

const core = "packages/core/src"
const supervisor = `${core}/internal/lifecycle/supervisor.ts`
const client = `${core}/AgbClient.ts`
const tools = `${core}/AgbTools.ts`
const undici = "packages/platform-node/src/internal/node/undiciTransport.ts"

const tests = "packages/platform-node/test"

/** @type {ReadonlyArray<import("./weakening.js").Weakening>} */
export default [
  {
    defence: "creates in doubt are reconciled by their label",
    changes: { [supervisor]: [["if (error.mayHaveHappened) {", "if (error.mayHaveHappened && label === \"\") {"]] },
    caughtBy: [
      `${tests}/client/faultsCreate.test.ts`,
      "in doubt for ever is a typed error that says that nothing happened"
    ]
  },
  {
    defence: "creates that were cut off are looked for again",
    changes: { [supervisor]: [["[500, 1000, 2000, 4000, 8000].map(Duration.millis)", "[]"]] },
    caughtBy: [`${tests}/client/faultsCreate.test.ts`, "cannot be looked for at first is found later"]
  },
  {
    defence: "creates that are interrupted are undone",
    changes: {
      [supervisor]: [["Effect.onInterrupt(() => start(rollBack(creation)))", "Effect.onInterrupt(() => Effect.void)"]]
    },
    caughtBy: [`${tests}/client/faultsCreate.test.ts`, "ends at once, and what comes of it is deleted"]
  },
  {
    defence: "a run is never repeated",
    changes: {
      [tools]: [["const unsafe = (): RetrySafety => \"unsafe\"", "const unsafe = (): RetrySafety => \"idempotent\""]],
      [`${core}/internal/wire/tools.ts`]: [[
        "data: ToolReply }),\n  retrySafety: \"unsafe\",",
        "data: ToolReply }),\n  retrySafety: \"idempotent\","
      ]]
    },
    caughtBy: [`${tests}/client/faults.test.ts`, "what may have happened is never done twice"]
  },
  {
    defence: "the outcome of a run that was cut off is unknown",
    changes: {
      [`${core}/internal/session/execution.ts`]: [[
        "error.mayHaveHappened && error._tag",
        "error.mayHaveHappened && error.operation === \"\" && error._tag"
      ]]
    },
    caughtBy: [`${tests}/client/faults.test.ts`, "what a failure becomes, over node a reset after"]
  },
  {
    defence: "a reply that is cut off is no success",
    changes: {
      [undici]: [[
        "this.finish(fromCause(cause, this.status !== 0))",
        "this.status === 200 ? this.onResponseEnd() : this.finish(fromCause(cause, this.status !== 0))"
      ]]
    },
    caughtBy: [`${tests}/client/faults.test.ts`, "what a failure becomes, over node a close inside the body"]
  },
  {
    defence: "what names no exit code is no exit code 0",
    changes: {
      [tools]: [
        [
          "    stdout: Schema.String,\n    stderr: Schema.String,\n    exit_code: Schema.Int,",
          "    stdout: Schema.optionalWith(Schema.String, { default: () => \"\" }),\n    stderr: Schema.optionalWith(Schema.String, { default: () => \"\" }),\n    exit_code: Schema.optionalWith(Schema.Int, { default: () => 0 }),"
        ]
      ]
    },
    caughtBy: [`${tests}/client/faultsReplies.test.ts`, "never ended with code 0"]
  },
  {
    defence: "the key is taken out of a server's words",
    changes: {
      [client]: [["text.replaceAll(Redacted.value(config.apiKey), \"<redacted>\").slice(0, 500)", "text.slice(0, 500)"]]
    },
    caughtBy: [`${tests}/client/secrets.test.ts`, "401 with the key: no error, log line or span shows a secret"]
  },
  {
    defence: "the key is taken out before the words are cut",
    changes: {
      [`${core}/internal/client/envelope.ts`]: [[
        "redact(json.trim().slice(0, 4096)).slice(0, 200)",
        "redact(json.trim().slice(0, 200))"
      ]]
    },
    caughtBy: [`${tests}/client/secrets.test.ts`, "HTML with the key at the edge: no error"]
  },
  {
    defence: "the key goes to no other origin",
    changes: { [`${core}/internal/client/httpTransport.ts`]: [["redirect: \"manual\"", "redirect: \"follow\""]] },
    caughtBy: [`${tests}/client/faults.test.ts`, "is never followed to, and never sees the key, over fetch"]
  },
  {
    defence: "replies are bounded",
    changes: { [undici]: [["this.size > this.exchange.maxBytes", "this.size > 200 * this.exchange.maxBytes"]] },
    caughtBy: [`${tests}/client/faults.test.ts`, "is not read to its end, in chunks"]
  },
  {
    defence: "deletions that fail are repeated",
    changes: {
      [`${core}/internal/lifecycle/release.ts`]: [["Effect.retry({ while: isTransient, schedule: delays }),\n", ""]]
    },
    caughtBy: [`${tests}/client/faultsDelete.test.ts`, "a deletion that fails for a while"]
  },
  {
    defence: "records from a server change no prototype",
    changes: {
      [`${core}/internal/wire/codecs.ts`]: [[
        "ParseResult.succeed(input as Readonly<Record<string, string>>)",
        "ParseResult.succeed(Object.entries(input).reduce((all, [key, value]) => { all[key] = value; return all }, {} as Record<string, string>))"
      ]]
    },
    caughtBy: ["packages/core/test/wire/codecs.test.ts", "reaches for prototypes|__proto__"]
  }
]
