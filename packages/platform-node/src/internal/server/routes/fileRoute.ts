/**
 * The route of a session's files, which the local runtime announces in the tool list of a session as `file_bytes`: `GET` streams a
 * file or a range of it, `PUT` writes a file as a whole. Clients send the token of the session. Errors are envelopes; those of
 * the file itself have the code `File.Failed` and the text of the file tools.
 */
import { type ApiError, type HttpReply, successReply, ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { ServerResponse } from "node:http"
import type { FileWrite } from "../../sandbox/channel/protocol.js"
import type { Exchange, Route } from "../http/exchange.js"
import { apiError } from "../http/originCheck.js"
import type { CallFailure } from "../sessions/agentCall.js"
import * as fileBytes from "../sessions/fileBytes.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"
import { requireToken } from "./linkRoute.js"

const pathPattern = /^\/files\/([\w-]{1,128})$/

const invalid = (name: string, expected: string) => apiError(400, "InvalidParameter", `${name} must be ${expected}`)

const incomplete = apiError(400, "IncompleteBody", "the content ended before its time")

const noEncoding = apiError(415, "UnsupportedEncoding", "files are stored as they come, without a Content-Encoding")

/** What has not been sent after this long is not waited for. */
const stallMillis = 60_000

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

/** The most pieces of a frame: a client may send bytes one by one. */
const maxPieces = 1024

/** The body of a request in frames. */
const framesOf = ({ request }: Exchange): fileBytes.NextFrame<ApiError> => {
  const pieces = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]()
  const collect = async () => {
    const taken: Array<Buffer> = []
    for (let size = 0; size < fileBytes.frameBytes && taken.length < maxPieces;) {
      const { done, value } = await pieces.next()
      if (done === true) {
        if (!request.complete) throw incomplete
        break
      }
      const piece = value as Buffer
      taken.push(piece)
      size += piece.length
    }
    return taken
  }
  return Effect.tryPromise({ try: collect, catch: () => incomplete }).pipe(
    Effect.timeoutFail({
      duration: stallMillis,
      onTimeout: () => apiError(408, "RequestTimeout", "the content did not go on")
    })
  )
}

const upload = (exchange: Exchange, session: LocalSession) =>
  Effect.gen(function*() {
    const { request, response } = exchange
    const file = yield* writeOf(exchange, yield* pathOf(exchange))
    if ((request.headers["content-encoding"] ?? "identity") !== "identity") return yield* noEncoding
    if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue()
    const bytesWritten = yield* fileBytes.writeFile(session.sandbox, file, framesOf(exchange))
    return successReply({ data: { bytesWritten } })
  })

/** Resolves when the bytes have been handed to the kernel. */
const send = (response: ServerResponse, bytes: Uint8Array) =>
  Effect.async<void>((resume) => {
    const finish = () => {
      response.off("close", finish)
      resume(Effect.void)
    }
    if (response.destroyed) return resume(Effect.void)
    response.once("close", finish)
    response.write(bytes, finish)
  })

const download = (exchange: Exchange, session: LocalSession) =>
  Effect.gen(function*() {
    const { response } = exchange
    const path = yield* pathOf(exchange)
    const [offset = 0, wanted = Infinity] = [yield* count(exchange, "offset"), yield* count(exchange, "length")]
    const read = (at: number, length: number) =>
      fileBytes.readFile(session.sandbox, path, at, Math.min(length, fileBytes.frameBytes))
    const first = yield* read(offset, wanted)
    const length = Math.max(0, Math.min(wanted, first.size - offset))
    response.writeHead(200, {
      "content-type": "application/octet-stream",
      "content-length": length,
      "x-file-size": first.size
    })
    const end = offset + length
    let bytes = first.bytes
    for (let at = offset + bytes.length; at < end && bytes.length > 0 && !response.destroyed;) {
      const sent = send(response, bytes)
      bytes = (yield* Effect.zip(read(at, end - at), sent, { concurrent: true }))[0].bytes
      at += bytes.length
    }
    yield* send(response, bytes)
    response.end()
  }).pipe(Effect.onError(() =>
    Effect.sync(() => {
      // The client learns that the content is not complete.
      if (exchange.response.headersSent) exchange.response.destroy()
    })
  ))

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
      return yield* registry.whileActive<HttpReply | void>(session, Effect.mapError(work, failed))
    })
})
