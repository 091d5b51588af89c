/**
 * Files that are handed over to a client that is a process of the same user on this machine: `GET` of the route of files answers with
 * a descriptor in place of the content; `POST …/open` with one to write to, `…/commit` gives the file its name, `…/close` gives it up.
 */
import { type ApiError, type HttpReply, successReply } from "@effect-agb/core/AgbServer"
import { leastHandedBytes } from "@effect-agb/core/Transport"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { FileReader } from "../../sandbox/channel/fileStreams.js"
import type { OfferedFile } from "../../sandbox/process/offeredFile.js"
import type { Exchange } from "../http/exchange.js"
import type { CallFailure } from "../sessions/agentCall.js"
import type { HandedFile } from "../sessions/handedFiles.js"
import type { Grant, HandoverKeys } from "../sessions/handoverKeys.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"
import { recordedAs } from "../timeline/recorded.js"
import { streamedFile } from "../timeline/toolEntries.js"
import { count, failed, pathOf, titleOf, writeOf } from "./fileQuery.js"

/** A request for a file, and who it concerns. */
export interface Asked {
  readonly exchange: Exchange
  readonly session: LocalSession
  readonly registry: SessionRegistry
  readonly keys: HandoverKeys
}

/** Where the client has reached this server, as it writes that in an endpoint. */
const authorityOf = ({ request: { socket } }: Exchange): string => {
  const address = (socket.localAddress ?? "").replace(/^::ffff:/, "")
  return `${address.includes(":") ? `[${address}]` : address}:${socket.localPort}`
}

/** The right to have a file handed over. Says in the reply what the client has to know, whatever becomes of the file. */
const grantOf = (exchange: Exchange, session: LocalSession, keys: HandoverKeys): Grant | undefined => {
  const ticket = exchange.request.headers["x-file-handover"]
  if (typeof ticket !== "string") return undefined
  const { grant, key } = keys.admit(ticket, authorityOf(exchange), session.sessionId)
  if (key !== undefined) exchange.response.setHeader("x-file-key", key)
  const refusal = session.handed.isFull ? "busy" : grant === undefined && key === undefined ? "no" : undefined
  if (refusal !== undefined) exchange.response.setHeader("x-file-handover", refusal)
  return refusal === undefined ? grant : undefined
}

const setDescriptor = ({ response }: Exchange, session: LocalSession, grant: Grant, file: OfferedFile) => {
  const { device, fd, inode } = file
  response.setHeader(
    "x-file-descriptor",
    grant.descriptor({ pid: process.pid, fd, device, inode, limit: session.handed.limit })
  )
}

/** How a file that is read is handed over; undefined where it is not. */
export const offerOf = (exchange: Exchange, session: LocalSession, keys: HandoverKeys): FileReader["handOver"] => {
  const grant = grantOf(exchange, session, keys)
  return grant && {
    bytes: leastHandedBytes,
    onOffer: (fd) => {
      const file = session.handed.reading(fd)
      if (file === undefined) return refused(exchange)
      exchange.response.setHeader("x-request-id", exchange.context.requestId ?? "")
      setDescriptor(exchange, session, grant, file)
      return true
    }
  }
}

/** It did not work, and will not the next time. */
const refused = ({ response }: Exchange): false => {
  response.setHeader("x-file-handover", "no")
  return false
}

/** Goes on after its request, until the file is committed or given up. */
const writing = ({ exchange, registry, session }: Asked, onOpened: (handed: HandedFile | undefined) => void) =>
  Effect.gen(function*() {
    const file = yield* writeOf(exchange, yield* pathOf(exchange))
    const entry = streamedFile(titleOf(exchange), file.path)
    const recorded = recordedAs<number, CallFailure | ApiError, never>(
      session.timeline,
      entry,
      () => session.handed.writing(file, onOpened)
    )
    return yield* registry.whileActive(session, Effect.mapError(recorded, failed))
  })

const reply = ({ context }: Exchange, data: Readonly<Record<string, unknown>> = {}): HttpReply =>
  successReply({ data }, context.requestId)

/** Opens a file to be written. Where it is not handed over, the reply has no descriptor, and nothing was done. */
export const open = (asked: Asked): Effect.Effect<HttpReply, ApiError> =>
  Effect.gen(function*() {
    const { exchange, keys, session } = asked
    const grant = grantOf(exchange, session, keys)
    if (grant === undefined) return reply(exchange)
    const opened = yield* Deferred.make<HandedFile | undefined>()
    const onOpened = (handed: HandedFile | undefined) => Deferred.unsafeDone(opened, Effect.succeed(handed))
    const fiber = yield* Effect.forkDaemon(writing(asked, onOpened))
    const handed = yield* Effect.raceFirst(
      Deferred.await(opened),
      Effect.zipRight(Fiber.join(fiber), Effect.succeed(undefined))
    ).pipe(Effect.onInterrupt(() => Fiber.interruptFork(fiber)))
    if (handed === undefined) refused(exchange)
    else {
      exchange.response.setHeader("x-file-id", handed.id)
      setDescriptor(exchange, session, grant, handed.file)
    }
    return reply(exchange)
  })

const idOf = ({ query }: Exchange): string => query.get("id") ?? ""

export const commit = ({ exchange, registry, session }: Asked): Effect.Effect<HttpReply, ApiError> =>
  Effect.gen(function*() {
    const bytes = yield* count(exchange, "bytes")
    const committed = session.handed.commit(idOf(exchange), bytes ?? 0)
    const bytesWritten = yield* registry.whileActive(session, Effect.mapError(committed, failed))
    return reply(exchange, { bytesWritten })
  })

export const close = ({ exchange, session }: Asked): Effect.Effect<HttpReply> =>
  Effect.map(session.handed.giveUp(idOf(exchange)), () => reply(exchange))
