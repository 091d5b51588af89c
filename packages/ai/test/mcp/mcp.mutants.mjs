/** What `mcp.test.ts` watches over, each broken on purpose. */

const mcp = "packages/ai/src/internal/mcp"

const lines = "lines may hold any id and come in pieces, and one that is no JSON is answered"
const http = "over HTTP it serves tools and files to who has the token"
const cancelled = "over HTTP a request ends with its cancellation and with its client, and no other does"
const ended = "serves tools and files, and deletes its session when its client ends"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an id comes back as it was given",
    changes: {
      [`${mcp}/jsonRpc.ts`]: [[
        "write({ id: pending.id, result: exit.value })",
        "write({ id: String(pending.id), result: exit.value })"
      ]]
    },
    caughtBy: lines
  },
  {
    defence: "characters that are split over chunks are whole",
    changes: { [`${mcp}/jsonRpc.ts`]: [["this.#text.decode(bytes, { stream: true })", "this.#text.decode(bytes)"]] },
    caughtBy: lines
  },
  {
    defence: "a message that is none is refused",
    changes: {
      [`${mcp}/jsonRpc.ts`]: [
        [
          "return this.#refuse(null, invalidRequest)\n    const { id, method",
          "return { _tag: \"Ping\" }\n    const { id, method"
        ],
        ["[this.#refuse(null, parseError)]", "[this.#refuse(null, tooLong)]"],
        ["code: -32700, message: \"Parse error: the message is too long\"", "code: -32000, message: \"\""]
      ]
    },
    caughtBy: lines
  },
  {
    defence: "an unknown method is refused by name",
    changes: { [`${mcp}/jsonRpc.ts`]: [["this.#refuse(id, { code: -32601", "this.#refuse(id, { code: -32602"]] },
    caughtBy: lines
  },
  {
    defence: "the server ends with its input",
    changes: {
      "packages/ai/src/AgbMcp.ts": [[
        "Effect.raceFirst(Layer.launch(server), Deferred.await(ended))",
        "Effect.raceFirst(Layer.launch(server), Effect.never)"
      ]]
    },
    caughtBy: lines
  },
  {
    defence: "figures are images",
    changes: { [`${mcp}/register.ts`]: [["...isResult(result) ? images(result) : []", "...[]"]] },
    caughtBy: ended
  },
  {
    defence: "a failed call is marked",
    changes: {
      [`${mcp}/register.ts`]: [["isError: isResult(result) && result.problem !== undefined", "isError: false"]]
    },
    caughtBy: ended
  },
  {
    defence: "paths of resources are decoded",
    changes: { [`${mcp}/register.ts`]: [["decodeURIComponent(pathname)", "pathname"]] },
    caughtBy: ended
  },
  {
    defence: "bytes that are no text are a blob",
    changes: { [`${mcp}/register.ts`]: [["{ fatal: true, ignoreBOM: true }", "{ ignoreBOM: true }"]] },
    caughtBy: ended
  },
  {
    defence: "standard input can be interrupted while it waits",
    changes: {
      [`${mcp}/stdio.ts`]: [[
        "(remove) => Effect.sync(remove)",
        "(remove) => Effect.zipRight(Effect.never, Effect.sync(remove))"
      ]]
    },
    caughtBy: "deletes its session on SIGTERM"
  },
  {
    defence: "who has no token is refused",
    changes: { [`${mcp}/http.ts`]: [["return difference === 0", "return difference >= 0"]] },
    caughtBy: http
  },
  {
    defence: "another host name is refused",
    changes: { [`${mcp}/http.ts`]: [["!loopback.includes(host)", "host === \"\""]] },
    caughtBy: http
  },
  {
    defence: "pages of other origins are refused",
    changes: { [`${mcp}/http.ts`]: [["origin !== undefined &&", "origin === \"\" &&"]] },
    caughtBy: http
  },
  {
    defence: "a token that can be guessed is refused",
    changes: {
      "packages/ai/src/AgbMcp.ts": [[
        "Redacted.value(options.token).length < 16",
        "Redacted.value(options.token).length < 1"
      ]]
    },
    caughtBy: http
  },
  {
    defence: "a notification is accepted",
    changes: {
      [`${mcp}/http.ts`]: [["HttpServerResponse.empty({ status: 202 })", "HttpServerResponse.empty({ status: 200 })"]]
    },
    caughtBy: http
  },
  {
    defence: "what is wrong with the parameters of a call is said by their names",
    changes: {
      [`${mcp}/register.ts`]: [["decodeParameters(tool.name, parameters).pipe(", "Effect.void.pipe("]]
    },
    caughtBy: ended
  },
  {
    defence: "a call without arguments is one with none",
    changes: {
      [`${mcp}/jsonRpc.ts`]: [["? { ...params, arguments: {} }", "? params"]]
    },
    caughtBy: ended
  },
  {
    defence: "parameters of the protocol that do not decode are said to be invalid",
    changes: { [`${mcp}/jsonRpc.ts`]: [["return invalid === undefined\n", "return method !== \"\"\n"]] },
    caughtBy: lines
  },
  {
    defence: "over HTTP a request ends with its cancellation",
    changes: {
      [`${mcp}/cancellation.ts`]: [["Deferred.succeed(cancelled, void 0)", "Effect.void"]]
    },
    caughtBy: cancelled
  },
  {
    defence: "over HTTP a client cancels no request of another",
    changes: {
      [`${mcp}/cancellation.ts`]: [["JSON.stringify([session, id])", "JSON.stringify([session.length, id])"]]
    },
    caughtBy: cancelled
  }
]
