/** What `faults.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src"
const tools = `${core}/AgbTools.ts`
const undici = "packages/platform-node/src/internal/node/undiciTransport.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a run is never repeated",
    changes: {
      [tools]: [[
        "const unsafe = (): RetrySafety => \"unsafe\"",
        "const unsafe = (): RetrySafety => \"idempotent\""
      ]],
      [`${core}/internal/wire/endpoints/tools.ts`]: [[
        "data: ToolReply }),\n  retrySafety: \"unsafe\",",
        "data: ToolReply }),\n  retrySafety: \"idempotent\","
      ]]
    },
    caughtBy: "what may have happened is never done twice"
  },
  {
    defence: "the outcome of a run that was cut off is unknown",
    changes: {
      [`${core}/internal/session/execution.ts`]: [[
        "error.mayHaveHappened && error._tag",
        "error.mayHaveHappened && error.operation === \"\" && error._tag"
      ]]
    },
    caughtBy: "what a failure becomes, over node a reset after"
  },
  {
    defence: "a reply that is cut off is no success",
    changes: {
      [undici]: [[
        "this.#finish(fromCause(cause, this.#stage))",
        "this.#status === 200 ? this.onResponseEnd() : this.#finish(fromCause(cause, this.#stage))"
      ]]
    },
    caughtBy: "what a failure becomes, over node a close inside the body"
  },
  {
    defence: "the key goes to no other origin",
    changes: {
      [`${core}/internal/client/transport/httpTransport.ts`]: [["redirect: \"manual\"", "redirect: \"follow\""]]
    },
    caughtBy: "is never followed to, and never sees the key, over fetch"
  },
  {
    defence: "interim replies are skipped",
    changes: {
      "packages/platform-node/src/internal/node/connector.ts": [["      withoutInterimReplies(socket)\n", ""]]
    },
    caughtBy: "interim replies that nobody asked for are skipped"
  },
  {
    defence: "invalid UTF-8 is no text",
    changes: { [`${core}/AgbClient.ts`]: [["(reply.isInvalidUtf8 || Either.isLeft(json))", "Either.isLeft(json)"]] },
    caughtBy: "what a failure becomes, over node invalid UTF-8",
    fails: "sessionId"
  },
  {
    defence: "replies are bounded",
    changes: { [undici]: [["this.#size > this.#exchange.maxBytes", "this.#size > 200 * this.#exchange.maxBytes"]] },
    caughtBy: "is not read to its end, in chunks"
  }
]
