/** Answers what a cassette has recorded: to each request the first answer that was not given yet. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { cancellable } from "../../client/deadline/cancellation.js"
import {
  type Exchange,
  ExchangeError,
  type Reply,
  type Transfer as TransferRequest,
  type TransferReply,
  type Transport
} from "../../client/transport/exchange.js"
import type { Socket, SocketListener } from "../../client/transport/socket.js"
import { parseJson } from "../../wire/codecs.js"
import { bytesReply, contentOf } from "../memory/contexts.js"
import { replayOrigin } from "./aliases.js"
import * as contents from "./contents.js"
import type { Call, Run, Transfer } from "./entries.js"
import { type Cassette, type CassetteEntry, ReplayMissError } from "./model.js"
import * as requests from "./requests.js"

const longest = 500

const shown = (point: string, request: unknown): string => {
  const text = JSON.stringify(request)
  return `${point} ${text.length <= longest ? text : `${text.slice(0, longest)}…`}`
}

const pointOf = (entry: CassetteEntry): string => entry._tag === "Call" ? entry.point : entry._tag.toLowerCase()

/** Asked for as often as it takes: the last answer is given again. */
const polled = new Set(["getSessionInfo", "getContextInfo"])

interface Failed {
  readonly failure: ExchangeError["reason"] | "NoAnswer"
  readonly code: string
}

const fails = ({ code, failure }: Failed): Effect.Effect<never, ExchangeError> =>
  failure === "NoAnswer" ? Effect.never : new ExchangeError({ reason: failure, code })

const kept: Reply = { status: 200, headers: {}, body: JSON.stringify({ success: true, code: "ok", requestId: "kept" }) }

export class Player {
  readonly #left: Array<CassetteEntry>
  readonly #lastPolls = new Map<string, CassetteEntry>()
  readonly #work: FiberSet.FiberSet<unknown, unknown>
  #misses: Array<ReplayMissError> = []

  constructor(cassette: Cassette, work: FiberSet.FiberSet<unknown, unknown>) {
    this.#left = [...cassette.entries]
    this.#work = work
  }

  readonly unused: Effect.Effect<ReadonlyArray<CassetteEntry>> = Effect.sync(() => [...this.#left])

  readonly takeMisses: Effect.Effect<ReadonlyArray<ReplayMissError>> = Effect.sync(() => this.#misses.splice(0))

  #take({ point, request }: requests.Normal): Either.Either<CassetteEntry, ReplayMissError> {
    const key = requests.keyOf(request)
    const at = this.#left.findIndex((entry) => pointOf(entry) === point && requests.keyOf(entry.request) === key)
    const [found] = at < 0 ? [this.#lastPolls.get(point + key)] : this.#left.splice(at, 1)
    if (found === undefined) {
      const next = this.#left.find((entry) => pointOf(entry) === point)
      const expected = next === undefined ? `no more of ${point}` : `next ${shown(point, next.request)}`
      const miss = new ReplayMissError({ asked: shown(point, request), expected })
      this.#misses.push(miss)
      return Either.left(miss)
    }
    if (polled.has(point)) this.#lastPolls.set(point + key, found)
    return Either.right(found)
  }

  #find<Entry extends CassetteEntry>(normal: requests.Normal): Effect.Effect<Entry> {
    return Effect.suspend(() =>
      Either.match(this.#take(normal), { onLeft: Effect.die, onRight: Effect.succeed })
    ) as Effect.Effect<Entry>
  }

  readonly transport: Required<Omit<Transport.Service, "peer">> = {
    exchange: (request) => cancellable(this.#exchange(request), request.onCancel),
    transfer: (request) => this.#transfer(request),
    openSocket: (_request, listener) =>
      Effect.map(
        FiberSet.runtime(this.#work)<never>(),
        (fork) => new ReplayedSocket(listener, (normal) => this.#take(normal), fork).socket
      )
  }

  #exchange<E>(request: Exchange<E>): Effect.Effect<Reply, ExchangeError> {
    return Effect.suspend(() => {
      if (request.progress !== undefined) request.progress.stage = "sent"
      const normal = requests.ofCall(request)
      if (normal.point === "refreshSessionIdleTime") return Effect.succeed(kept)
      return Effect.flatMap(this.#find<Call>(normal), ({ reply }): Effect.Effect<Reply, ExchangeError> => {
        if ("failure" in reply) return fails(reply)
        const { headers = {}, status } = reply
        const body = requests.withIds(reply.body, normal.ids)
        return Effect.succeed({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) })
      })
    })
  }

  #transfer<E>(request: TransferRequest<E>): Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope> {
    return Effect.flatMap(contentOf(request), (bytes) => {
      const { origin, pathname, search } = new URL(request.url)
      const url = origin === replayOrigin && !pathname.startsWith("/files/") ? request.url : pathname + search
      const content = request.body === undefined ? undefined : contents.ofBytes(bytes)
      return Effect.flatMap(
        this.#find<Transfer>(requests.ofTransfer(request.method, url, content)),
        ({ reply }): Effect.Effect<TransferReply, ExchangeError> => {
          if ("failure" in reply) return fails(reply)
          const body = contents.toBytes(reply.body)
          const { headers, status } = reply
          return Effect.succeed(bytesReply(status, body, headers))
        }
      )
    })
  }
}

/** Streamed runs: all frames of a run come at once. */
class ReplayedSocket {
  readonly #listener: SocketListener
  readonly #take: (normal: requests.Normal) => Either.Either<CassetteEntry, ReplayMissError>
  readonly #fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  #fibers: Array<Fiber.RuntimeFiber<void>> = []
  #received = 0

  constructor(
    listener: SocketListener,
    take: (normal: requests.Normal) => Either.Either<CassetteEntry, ReplayMissError>,
    fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  ) {
    this.#listener = listener
    this.#take = take
    this.#fork = fork
  }

  readonly socket: Socket = {
    send: (text) => this.#onFrame(text),
    close: () => {
      for (const fiber of this.#fibers.splice(0)) fiber.unsafeInterruptAsFork(FiberId.none)
    },
    received: () => this.#received,
    ping: () => {
      this.#received += 2
    }
  }

  #onFrame(text: string): void {
    const frame = Either.getOrElse(parseJson(text), () => undefined)
    const data = Predicate.isRecord(frame) ? (frame as Readonly<Record<string, unknown>>)["data"] : undefined
    if (!Predicate.isRecord(data) || !("method" in data)) return
    const { invocationId } = frame as { readonly invocationId: unknown }
    const frames = Either.match(this.#take(requests.ofRun(data["params"])), {
      onLeft: ({ message }) => [{ phase: "error", code: "ReplayMiss", error: message }],
      onRight: (entry) => (entry as Run).frames
    })
    this.#fibers.push(this.#fork(Effect.sync(() => {
      for (const data of frames) this.#say(JSON.stringify({ invocationId, source: "replay", target: "SDK", data }))
    })))
  }

  #say(text: string): void {
    this.#received += text.length
    this.#listener.onMessage(text)
  }
}
