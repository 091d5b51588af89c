/**
 * The route of a session's files, which the local runtime announces in the tool list of a session as `file_bytes`: `GET` streams a
 * file or a range of it, and describes the file in headers `x-file-…`; `PUT` writes a file as a whole. Clients send the token of
 * the session. Errors are envelopes; those of the file itself have the code `File.Failed` and the text of the file tools.
 */
import { type ApiError, type HttpReply, successReply, ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { FileHead, FileWrite } from "../../sandbox/channel/protocol.js"
import type { Exchange, Route } from "../http/exchange.js"
import { apiError } from "../http/originCheck.js"
import type { CallFailure } from "../sessions/agentCall.js"
import * as fileBytes from "../sessions/fileBytes.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"
import { recordedAs } from "../timeline/recorded.js"
import { streamedFile } from "../timeline/toolEntries.js"
import { requireToken } from "./linkRoute.js"

const pathPattern = /^\/files\/([\w-]{1,128})$/

const invalid = (name: string, expected: string) => apiError(400, "InvalidParameter", `${name} must be ${expected}`)

const noEncoding = apiError(415, "UnsupportedEncoding", "files are stored as they come, without a Content-Encoding")

const failed = (error: CallFailure | ApiError) =>
  error instanceof ToolFailure ? apiError(409, "File.Failed", error.text) : error

const count = ({ query }: Exchange, name: string): Effect.Effect<number | undefined, ApiError> => {
  const text = query.get(name)
  if (text === null) return Effect.succeed(undefined)
  const value = Number(text)
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value)
    ? Effect.succeed(value)
    : Effect.fail(invalid(name, "a number of bytes"))
}

const pathOf = ({ query }: Exchange): Effect.Effect<string, ApiError> => {
  const path = query.get("path") ?? ""
  return path.startsWith("/") && !path.includes("\0") && path.length <= 4096
    ? Effect.succeed(path)
    : Effect.fail(invalid("path", "an absolute path"))
}

const writeOf = (exchange: Exchange, path: string): Effect.Effect<FileWrite, ApiError> => {
  const mode = exchange.query.get("mode") ?? "overwrite"
  const permissions = exchange.query.get("permissions")
  if (mode !== "overwrite" && mode !== "append" && mode !== "create_new") {
    return Effect.fail(invalid("mode", "overwrite, append or create_new"))
  }
  if (permissions === null) return Effect.succeed({ path, mode })
  return /^[0-7]{1,4}$/.test(permissions)
    ? Effect.succeed({ path, mode, permissions: parseInt(permissions, 8) })
    : Effect.fail(invalid("permissions", "octal"))
}

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

const download = (exchange: Exchange, session: LocalSession) =>
  Effect.gen(function*() {
    const path = yield* pathOf(exchange)
    const [offset = 0, length = null] = [yield* count(exchange, "offset"), yield* count(exchange, "length")]
    const headers = (head: FileHead, sent: number) => headersOf(head, sent, exchange.context.requestId)
    yield* fileBytes.readFile(session.sandbox, { path, offset, length }, exchange.response, headers)
  }).pipe(Effect.onError(() =>
    Effect.sync(() => {
      // The client learns that the content is not complete.
      if (exchange.response.headersSent) exchange.response.destroy()
    })
  ))

const titleOf = ({ method, query }: Exchange) =>
  method !== "PUT" ? "Read" : query.get("mode") === "append" ? "Append to" : "Write"

export const make = (registry: SessionRegistry): Route => ({
  matches: (_method, path) => pathPattern.test(path),
  name: (method) => method === "PUT" ? "write" : "read",
  endsOnDisconnect: () => true,
  handle: (exchange) =>
    Effect.gen(function*() {
      const { authenticated, method, path, request } = exchange
      const session = yield* registry.get(pathPattern.exec(path)?.[1] ?? "")
      yield* requireToken(session, request.headersDistinct["x-access-token"]?.[0])
      authenticated()
      if (method !== "GET" && method !== "PUT") {
        return yield* apiError(405, "MethodNotAllowed", "files are read with GET and written with PUT")
      }
      const work = method === "PUT" ? upload(exchange, session) : Effect.asVoid(download(exchange, session))
      const entry = streamedFile(titleOf(exchange), exchange.query.get("path") ?? "")
      exchange.context.requestId = crypto.randomUUID().toUpperCase()
      const recorded = recordedAs<HttpReply | void, CallFailure | ApiError, never>(session.timeline, entry, () => work)
      return yield* registry.whileActive<HttpReply | void>(session, Effect.mapError(recorded, failed))
    })
})
