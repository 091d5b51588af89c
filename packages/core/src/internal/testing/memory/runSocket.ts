/** The WebSocket of a session, on which runs of code stream. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Stream from "effect/Stream"
import { type Socket, SocketError, type SocketListener } from "../../client/transport/socket.js"
import { parseJson } from "../../wire/codecs.js"
import { CancelRun, ClientFrame, StreamCall } from "../../wire/frames.js"
import type { CodeOutput } from "./answers.js"
import { itemsOf, overtime, type Raised, raisedBy } from "./runs.js"
import { defaultTimeout } from "./script.js"
import type { UnscriptedError } from "./unscripted.js"

export interface RunRequest {
  readonly code: string
  readonly language: StreamCall["params"]["language"]
  readonly timeout: Duration.Duration
}

export interface RunSocketOptions {
  readonly listener: SocketListener
  /** The pieces of the output of a run. */
  readonly run: (request: RunRequest) => Effect.Effect<Stream.Stream<CodeOutput>, UnscriptedError>
  /** Starts a fiber of the server. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  readonly onClose: (socket: RunSocket) => void
}

const common = { method: "run_code", mode: "stream" } as const

const endOf = (error: Raised | null) => ({
  ...common,
  phase: "end",
  status: error === null ? "finished" : "failed",
  executionError: error === null ? null : error.value === "" ? error.name : `${error.name}: ${error.value}`,
  ...(error === null || error.traceback === "" ? {} : { traceback: error.traceback })
})

const eventsOf = (output: CodeOutput): ReadonlyArray<object> => [
  ...(["stdout", "stderr"] as const).flatMap((eventType) => {
    const chunk = output[eventType]
    return chunk === undefined || chunk === "" ? [] : [{ ...common, phase: "event", eventType, chunk }]
  }),
  ...itemsOf(output).map(({ data, isMainResult }) => ({
    ...common,
    phase: "event",
    eventType: "result",
    result: { mime: data, isMainResult }
  }))
]

const decodeFrame = ParseResult.decodeUnknownEither(ClientFrame)
const decodeCall = ParseResult.decodeUnknownEither(StreamCall)
const isCancel = ParseResult.is(CancelRun)

export class RunSocket {
  readonly #options: RunSocketOptions
  readonly #running = new Map<string, Fiber.RuntimeFiber<void>>()
  #received = 0
  #isClosed = false
  /** While the reader is behind. */
  #pause: Deferred.Deferred<void> | undefined

  constructor(options: RunSocketOptions) {
    this.#options = options
  }

  readonly socket: Socket = {
    send: (text) => this.#onFrame(text),
    close: () => this.#close(),
    received: () => this.#received,
    ping: () => {
      this.#received += 2
    },
    setPaused: (isPaused) => {
      if (isPaused) this.#pause ??= Deferred.unsafeMake<void>(FiberId.none)
      else if (this.#pause !== undefined) {
        Deferred.unsafeDone(this.#pause, Effect.void)
        this.#pause = undefined
      }
    }
  }

  /** The session has ended. */
  lose(): void {
    if (this.#isClosed) return
    this.#close()
    this.#options.listener.onClose(new SocketError({ reason: "Closed", code: "1006" }))
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const fiber of this.#running.values()) fiber.unsafeInterruptAsFork(FiberId.none)
    this.#options.onClose(this)
  }

  #onFrame(text: string): void {
    const frame = Either.getOrUndefined(Either.flatMap(parseJson(text), decodeFrame))
    if (frame === undefined || this.#isClosed) return
    const { data, invocationId } = frame
    if (isCancel(data)) return void this.#running.get(invocationId)?.unsafeInterruptAsFork(FiberId.none)
    const call = decodeCall(data)
    if (Either.isRight(call)) this.#begin(invocationId, call.right)
  }

  #begin(id: string, { params: { code, language, timeoutS } }: StreamCall): void {
    const timeout = timeoutS === undefined ? defaultTimeout : Duration.seconds(timeoutS)
    const run = Effect.matchEffect(this.#options.run({ code, language, timeout }), {
      onSuccess: (outputs) => this.#stream(id, outputs, timeout),
      onFailure: ({ message }) => this.#send(id, { phase: "error", code: "Unscripted", error: message })
    })
    const fiber = this.#options.fork(Effect.ensuring(run, Effect.sync(() => this.#running.delete(id))))
    this.#running.set(id, fiber)
  }

  #stream(id: string, outputs: Stream.Stream<CodeOutput>, timeout: Duration.Duration): Effect.Effect<void> {
    let raised: Raised | null = null
    return Stream.runForEach(outputs, (output) => {
      raised ??= raisedBy([output])
      return Effect.forEach(eventsOf(output), (event) => this.#send(id, event), { discard: true })
    }).pipe(
      Effect.timeoutOption(timeout),
      Effect.flatMap((ended) => this.#send(id, endOf(Option.isNone(ended) ? overtime : raised)))
    )
  }

  /** Waits while the reader is behind. */
  #send(invocationId: string, data: object): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#pause !== undefined) {
        return Effect.zipRight(Deferred.await(this.#pause), this.#send(invocationId, data))
      }
      const text = JSON.stringify({ invocationId, source: "wuying_codespace", target: "SDK", data })
      this.#received += text.length
      if (!this.#isClosed) this.#options.listener.onMessage(text)
      return Effect.void
    })
  }
}
