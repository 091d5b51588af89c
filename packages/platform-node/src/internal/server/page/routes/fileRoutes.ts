/** The files of a session on its page. */
import { ApiError, ToolFailure } from "@effect-agb/core/AgbServer"
import * as FileSystem from "@effect-agb/core/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Path from "node:path"
import type { Folder } from "../../../pageWire/contract.js"
import type { Exchange } from "../../http/exchange.js"
import { withRequestContext } from "../../http/requestContext.js"
import { type CallFailure, makeAgentCall } from "../../sessions/agentCall.js"
import * as fileBytes from "../../sessions/fileBytes.js"
import type { Beginning } from "../../timeline/entry.js"
import { recordedAs } from "../../timeline/recorded.js"
import { streamedFile } from "../../timeline/toolEntries.js"
import type { RoutesOptions } from "../http/pageOptions.js"
import { sendJson } from "../http/pageReply.js"
import { invalid, type PageRoute, type SessionVisit } from "../http/pageRoute.js"
import { pageRequest, toolCallOf } from "../session/sessionTools.js"

const Directory = Schema.Struct({
  entries: Schema.Array(Schema.Struct({
    name: Schema.String,
    type: Schema.Literal("file", "directory", "symlink", "other"),
    size: Schema.Number,
    modifiedAt: Schema.NullOr(Schema.Number)
  })),
  isTruncated: Schema.Boolean
})

const fileError = (text: string) =>
  /^ENOENT\b/.test(text)
    ? new ApiError({ status: 404, code: "File.NotFound", message: text })
    : new ApiError({ status: 409, code: "File.Failed", message: text })

/** The loss of a sandbox is left to who watches over the session. */
const failed = <E>(error: E | ToolFailure) => error instanceof ToolFailure ? fileError(error.text) : error

const gone = new ApiError({ status: 410, code: "Session.Ended", message: "The session has ended." })

const pathOf = ({ query }: Exchange): Effect.Effect<string, ApiError> => {
  const path = query.get("path") ?? ""
  return path.startsWith("/") && !path.includes("\0") && path.length <= 4096
    ? Effect.succeed(path)
    : Effect.fail(invalid("path must be an absolute path"))
}

const limitOf = ({ query }: Exchange): Effect.Effect<number | null, ApiError> => {
  const text = query.get("limit")
  return text === null || /^\d{1,15}$/.test(text)
    ? Effect.succeed(text === null ? null : Number(text))
    : Effect.fail(invalid("limit must be a number of bytes"))
}

/** A name of any characters (RFC 6266, RFC 8187). */
const disposition = (path: string): string => {
  const name = Path.posix.basename(path) || "file"
  const plain = name.replace(/[^\w.-]/g, "_")
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

const lookedAt = <A>(work: Effect.Effect<A, CallFailure>): Effect.Effect<A, ApiError> =>
  Effect.mapError(work, (error) => error instanceof ToolFailure ? fileError(error.text) : gone)

const list: PageRoute<SessionVisit> = {
  method: "GET",
  path: /^\/api\/files$/,
  access: "read",
  handle: ({ session }, exchange) =>
    Effect.gen(function*() {
      const path = yield* pathOf(exchange)
      const { value } = yield* lookedAt(
        makeAgentCall<never>(session.sandbox)({ op: "describeDirectory", path }, Directory)
      )
      sendJson(exchange, 200, { path, ...value } satisfies Folder)
    })
}

const read: PageRoute<SessionVisit> = {
  method: "GET",
  path: /^\/api\/file$/,
  access: "read",
  handle: ({ session }, exchange) =>
    Effect.gen(function*() {
      const { query, response } = exchange
      const path = yield* pathOf(exchange)
      const length = yield* limitOf(exchange)
      const range = { path, offset: 0, length }
      yield* lookedAt(fileBytes.readFile(session.sandbox, range, response, ({ size }, length) => ({
        "content-type": "application/octet-stream",
        "content-length": length,
        "x-file-size": size,
        ...(query.get("download") === "1" ? { "content-disposition": disposition(path) } : {})
      })))
    }).pipe(Effect.onError(() =>
      Effect.sync(() => {
        if (exchange.response.headersSent) exchange.response.destroy()
      })
    ))
}

/** What a person does to a file: use of the session, with an entry in its timeline. */
const recordedUse = <A>(
  registry: RoutesOptions["registry"],
  session: SessionVisit["session"],
  entry: Beginning,
  work: Effect.Effect<A, ApiError | CallFailure>
) =>
  Effect.zipRight(
    registry.use(session.sessionId),
    registry.whileActive(session, Effect.mapError(recordedAs(session.timeline, entry, () => work), failed))
  ).pipe(withRequestContext(pageRequest()))

const write = ({ registry }: RoutesOptions): PageRoute<SessionVisit> => ({
  method: "PUT",
  path: /^\/api\/file$/,
  access: "steer",
  handle: ({ session }, exchange) =>
    Effect.gen(function*() {
      const path = yield* pathOf(exchange)
      const agentCall = makeAgentCall<never>(session.sandbox)
      const work = Effect.zipRight(
        agentCall({ op: "createDirectory", path: Path.posix.dirname(path) }, Schema.Null),
        fileBytes.writeFile(session.sandbox, { path, mode: "overwrite" }, exchange.request)
      )
      const size = yield* recordedUse(registry, session, streamedFile("Write", path), work)
      sendJson(exchange, 200, { size })
    })
})

const remove = ({ registry }: RoutesOptions): PageRoute<SessionVisit> => ({
  method: "DELETE",
  path: /^\/api\/file$/,
  access: "steer",
  handle: ({ session }, exchange) =>
    Effect.gen(function*() {
      const path = yield* pathOf(exchange)
      const work = FileSystem.make(toolCallOf(session)).remove(path, { recursive: true })
      const removed = Effect.mapError(work, ({ message }) => fileError(message))
      yield* recordedUse(registry, session, streamedFile("Delete", path), removed)
      sendJson(exchange, 200, {})
    })
})

export const fileRoutes = (options: RoutesOptions): ReadonlyArray<PageRoute<SessionVisit>> => [
  list,
  read,
  write(options),
  remove(options)
]
