/** A transport whose requests meet faults. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { cancellable } from "../client/deadline/cancellation.js"
import {
  type Exchange,
  ExchangeError,
  type Progress,
  type Reply,
  type Transfer,
  type TransferReply,
  type Transport
} from "../client/transport/exchange.js"
import { type Socket, SocketError, type SocketListener, type SocketRequest } from "../client/transport/socket.js"
import { byteLength } from "../wire/text/bytes.js"
import type { Fault, Moment } from "./fault.js"
import { type Point, pointsOf } from "./points.js"

/** The fault of the next request at one of these points. */
export type Take = (points: ReadonlyArray<Point>) => Fault | undefined

const broken = new ExchangeError({ reason: "Interrupted", code: "ECONNRESET" })

/** The server got the request, as far as the client can know. */
const markSent = (progress: Progress | undefined): void => {
  if (progress !== undefined) progress.stage = "sent"
}

/** What the fault does instead of an answer, or nothing. */
const waits = (fault: Fault, moment: Moment): Effect.Effect<void> => {
  if (fault._tag === "Delay" && fault.when === moment) return Effect.sleep(fault.duration)
  return fault._tag === "Silence" && fault.when === moment ? Effect.never : Effect.void
}

const answerOf = (fault: Fault, moment: Moment): Effect.Effect<Option.Option<Reply>, ExchangeError> => {
  if (fault._tag === "Break" && fault.when === moment) return Effect.fail(broken)
  if (fault._tag !== "Answer" || fault.when !== moment) return Effect.succeedNone
  const { code, headers, message, status } = fault
  const body = JSON.stringify({ requestId: "fault", success: false, code, message, httpStatusCode: status })
  return Effect.succeedSome({ status, headers: { "content-type": "application/json", ...headers }, body })
}

const strike = (fault: Fault, moment: Moment) => Effect.zipRight(waits(fault, moment), answerOf(fault, moment))

const exchangeWith = <E>(
  exchange: Transport.Service["exchange"],
  fault: Fault,
  request: Exchange<E>
): Effect.Effect<Reply, ExchangeError | E> =>
  Effect.gen(function*() {
    if ("when" in fault && fault.when === "before") markSent(request.progress)
    const early = yield* cancellable(strike(fault, "before"), request.onCancel)
    if (Option.isSome(early)) return early.value
    const reply = yield* exchange(request)
    if (fault._tag === "Cut" && byteLength(reply.body) > fault.bytes) return yield* broken
    return Option.getOrElse(yield* cancellable(strike(fault, "after"), request.onCancel), () => reply)
  })

/** A stream that breaks after that many bytes, if it has more. */
const cutAfter =
  <E2>(bytes: number, error: E2) => <E>(stream: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E | E2> =>
    Stream.suspend(() => {
      let left = bytes
      return Stream.flatMap(stream, (chunk): Stream.Stream<Uint8Array, E2> => {
        const part = chunk.subarray(0, Math.max(0, left))
        left -= chunk.byteLength
        return left < 0 ? Stream.concat(Stream.succeed(part), Stream.fail(error)) : Stream.succeed(part)
      })
    })

const cutBody = <E>(transfer: Transfer<E>, bytes: number): Transfer<E | ExchangeError> => {
  const { body } = transfer
  if (body === undefined) return { ...transfer, body }
  const [stream, size] = body._tag === "Bytes"
    ? [Stream.succeed(body.bytes), body.bytes.byteLength] as const
    : [body.stream, body.size] as const
  return { ...transfer, body: { _tag: "Stream", size, stream: cutAfter(bytes, broken)(stream) } }
}

const transferWith = <E>(
  transfer: NonNullable<Transport.Service["transfer"]>,
  fault: Fault,
  request: Transfer<E>
): Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope> =>
  Effect.gen(function*() {
    const toReply = ({ body, headers, status }: Reply): TransferReply => ({
      status,
      headers,
      body: Stream.succeed(new TextEncoder().encode(body))
    })
    const early = yield* strike(fault, "before")
    if (Option.isSome(early)) return toReply(early.value)
    if (fault._tag === "Cut") {
      const reply = yield* transfer(cutBody(request, fault.bytes))
      return { ...reply, body: cutAfter(fault.bytes, broken)(reply.body) }
    }
    const reply = yield* transfer(request)
    return Option.match(yield* strike(fault, "after"), { onNone: () => reply, onSome: toReply })
  })

/** The listener of a socket that breaks once more than that many bytes of messages have come. */
const cutListener = (listener: SocketListener, bytes: number, close: () => void): SocketListener => {
  let left = bytes
  return {
    onMessage: (text) => {
      if (left < 0) return
      left -= byteLength(text)
      if (left >= 0) return listener.onMessage(text)
      close()
      listener.onClose(new SocketError({ reason: "Closed", code: "ECONNRESET" }))
    },
    onClose: (error) => {
      if (left >= 0) listener.onClose(error)
    }
  }
}

/** What a socket does after it was opened: nothing but be silent, or break at once or later. */
const bytesOf = (fault: Fault): number => {
  if (fault._tag === "Cut") return fault.bytes
  return fault._tag === "Break" && fault.when === "after" ? 0 : Infinity
}

const openWith = (
  open: NonNullable<Transport.Service["openSocket"]>,
  fault: Fault,
  request: SocketRequest,
  listener: SocketListener
): Effect.Effect<Socket, SocketError> =>
  Effect.gen(function*() {
    yield* waits(fault, "before")
    if (fault._tag === "Break" && fault.when === "before") {
      return yield* new SocketError({ reason: "Unreachable", code: broken.code })
    }
    if (fault._tag === "Answer") {
      const body = JSON.stringify({ success: false, code: fault.code, message: fault.message })
      return yield* new SocketError({ reason: "Rejected", code: "", status: fault.status, body })
    }
    let close = () => {}
    const isSilent = fault._tag === "Silence" && fault.when === "after"
    const own = isSilent ? { ...listener, onMessage: () => {} } : cutListener(listener, bytesOf(fault), () => close())
    const socket = yield* open(request, own)
    close = socket.close
    yield* waits(fault, "after")
    return isSilent ? { ...socket, received: () => 0 } : socket
  })

/** Lets the requests of a transport meet their faults. What the transport leaves to the defaults has none. */
export const intercept = (take: Take) => (own: Transport.Service): Transport.Service => {
  const { exchange, openSocket, transfer } = own
  return {
    exchange: (request) =>
      Effect.suspend(() => {
        const fault = take(pointsOf(request))
        return fault === undefined ? exchange(request) : exchangeWith(exchange, fault, request)
      }),
    ...(openSocket === undefined ? {} : {
      openSocket: (request: SocketRequest, listener: SocketListener) =>
        Effect.suspend(() => {
          const fault = take(["webSocket"])
          return fault === undefined ? openSocket(request, listener) : openWith(openSocket, fault, request, listener)
        })
    }),
    ...(transfer === undefined ? {} : {
      transfer: <E>(request: Transfer<E>) =>
        Effect.suspend(() => {
          const fault = take(["transfer"])
          return fault === undefined ? transfer(request) : transferWith(transfer, fault, request)
        })
    })
  }
}
