/**
 * The route of a session's files, which the local runtime announces in the tool list of a session as `file_bytes`: `GET` streams a
 * file or a range of it, and describes the file in headers `x-file-…`; `PUT` writes a file as a whole. Clients send the token of
 * the session. Errors are envelopes; those of the file itself have the code `File.Failed` and the text of the file tools. What is handed
 * over to a client on this machine goes through `handedRoute`.
 */
import { type ApiError, type HttpReply, successReply } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { FileHead } from "../../sandbox/channel/protocol.js"
import type { Exchange, Route } from "../http/exchange.js"
import { apiError } from "../http/originCheck.js"
import type { CallFailure } from "../sessions/agentCall.js"
import * as fileBytes from "../sessions/fileBytes.js"
import type { HandoverKeys } from "../sessions/handoverKeys.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"
import { recordedAs } from "../timeline/recorded.js"
import { streamedFile } from "../timeline/toolEntries.js"
import { count, failed, pathOf, titleOf, writeOf } from "./fileQuery.js"
import * as handed from "./handedRoute.js"
import { requireToken } from "./linkRoute.js"

const pathPattern = /^\/files\/([\w-]{1,128})(\/(?:open|commit|close))?$/

const noEncoding = apiError(415, "UnsupportedEncoding", "files are stored as they come, without a Content-Encoding")

const upload = (exchange: Exchange, session: LocalSession) =>
  Effect.gen(function*() {
    const { request, response } = exchange
    const file = yield* writeOf(exchange, yield* pathOf(exchange))
    if ((request.headers["content-encoding"] ?? "identity") !== "identity") return yield* noEncoding
    if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue()
    const bytesWritten = yield* fileBytes.writeFile(session.sandbox, file, request)
    return successReply({ data: { bytesWritten } }, exchange.context.requestId)
  })

/** The head of a reply tells what of a file would otherwise be asked for. */
const headersOf = ({ isStable, mode, mtimeMs, size }: FileHead, length: number, requestId = "") => ({
  "x-request-id": requestId,
  "content-type": "application/octet-stream",
  "content-length": length,
  "x-file-size": size,
  "x-file-mode": mode.toString(8),
  "x-file-mtime": mtimeMs,
  "x-file-stable": String(isStable)
})

const download = (exchange: Exchange, session: LocalSession, keys: HandoverKeys) =>
  Effect.gen(function*() {
    const path = yield* pathOf(exchange)
    const [offset = 0, length = null] = [yield* count(exchange, "offset"), yield* count(exchange, "length")]
    const headers = (head: FileHead, sent: number) => headersOf(head, sent, exchange.context.requestId)
    const handOver = handed.offerOf(exchange, session, keys)
    yield* fileBytes.readFile(session.sandbox, { path, offset, length }, exchange.response, headers, handOver)
  }).pipe(Effect.onError(() =>
    Effect.sync(() => {
      // The client learns that the content is not complete.
      if (exchange.response.headersSent) exchange.response.destroy()
    })
  ))

/** What is asked about a file that is handed over. */
const handedWork = (asked: handed.Asked, action: string): Effect.Effect<HttpReply, ApiError> =>
  action === "/open" ? handed.open(asked) : action === "/commit" ? handed.commit(asked) : handed.close(asked)

export const make = (registry: SessionRegistry, keys: HandoverKeys): Route => ({
  matches: (_method, path) => pathPattern.test(path),
  name: (method) => method === "GET" ? "read" : "write",
  endsOnDisconnect: () => true,
  handle: (exchange) =>
    Effect.gen(function*() {
      const { authenticated, method, path, request } = exchange
      const [, sessionId = "", action] = pathPattern.exec(path) ?? []
      const session = yield* registry.get(sessionId)
      yield* requireToken(session, request.headersDistinct["x-access-token"]?.[0])
      authenticated()
      exchange.context.requestId = crypto.randomUUID().toUpperCase()
      if (action !== undefined) {
        if (method !== "POST") return yield* apiError(405, "MethodNotAllowed", "files are handed over with POST")
        return yield* handedWork({ exchange, keys, registry, session }, action)
      }
      if (method !== "GET" && method !== "PUT") {
        return yield* apiError(405, "MethodNotAllowed", "files are read with GET and written with PUT")
      }
      const work = method === "PUT" ? upload(exchange, session) : Effect.asVoid(download(exchange, session, keys))
      const entry = streamedFile(titleOf(exchange), exchange.query.get("path") ?? "")
      const recorded = recordedAs<HttpReply | void, CallFailure | ApiError, never>(session.timeline, entry, () => work)
      return yield* registry.whileActive<HttpReply | void>(session, Effect.mapError(recorded, failed))
    })
})
