/** The calls on one WebSocket: each starts with a frame of the client and ends with exactly one frame of the server. */
import type { StreamCall } from "@effect-agb/core/AgbApi"
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Stream from "effect/Stream"
import type { SandboxFailure } from "../../sandbox/channel/protocol.js"
import { apiError } from "../http/originCheck.js"
import { isWithinJsonLimits } from "../http/requestBody.js"
import { stackFrames } from "../http/requestLog.js"
import type { ServerLimits } from "../http/serverLimits.js"
import type { BackgroundWork } from "../http/work.js"
import type { LocalSession } from "../sessions/localSession.js"
import type { SessionRegistry } from "../sessions/registry.js"
import type { ReplyThread } from "../sessions/replyThread.js"
import { defaultTimeoutMs } from "../sessions/toolHandlers.js"
import { recordedRun } from "./recordedRun.js"
import { type RunEnd, type RunEvent, runStream } from "./runStream.js"
import { errorFrame, eventFrame, isEnd, type ParsedFrame, parseFrame } from "./socketFrames.js"

export interface SocketCallsOptions {
  readonly registry: SessionRegistry
  readonly replies: ReplyThread
  readonly session: LocalSession
  readonly limits: ServerLimits
  readonly work: BackgroundWork
  /** Sends a frame, with backpressure from a slow client. */
  readonly send: (text: string | Uint8Array) => Effect.Effect<void>
  /** Sends a frame without waiting. */
  readonly sendNow: (text: string) => void
  /** Called once for each call that has ended. */
  readonly onEnd: (call: EndedCall) => Effect.Effect<void>
}

type Status = "finished" | "failed" | "error" | "interrupted"

export interface EndedCall {
  readonly invocationId: string
  readonly status: Status
  readonly millis: number
}

interface Call {
  readonly invocationId: string
  readonly source: string
  fiber: Fiber.RuntimeFiber<void> | undefined
}

const serverStopping = apiError(503, "ServerStopping", "the server is about to end")

const cancelled = apiError(499, "Cancelled", "the client cancelled the run")

const internalError = apiError(500, "InternalError", "the server failed")

const tooManyCalls = apiError(429, "Throttling.Calls", "too many calls run on this WebSocket")

const duplicate = (id: string) => apiError(409, "DuplicateInvocation", `a call with the id ${id} is running already`)

const runRejected = ({ code, message }: SandboxFailure) => apiError(500, code, message)

export class SocketCalls {
  readonly #options: SocketCallsOptions
  readonly #running = new Map<string, Call>()

  constructor(options: SocketCallsOptions) {
    this.#options = options
  }

  /** Ignores what cannot be answered. */
  onMessage(bytes: Buffer): void {
    const { limits, sendNow } = this.#options
    if (!isWithinJsonLimits(bytes, limits)) return
    const received = parseFrame(bytes.toString("utf8"))
    if (received === undefined) return
    const { frame, invocationId } = received
    const isRunning = this.#running.has(invocationId)
    if (Either.isRight(frame) && frame.right.cancelsCall) return this.#cancel(invocationId)
    if (isRunning && Either.isRight(frame) && !frame.right.startsCall) return
    // Without an id, since an error with one would end the running call.
    if (isRunning) sendNow(errorFrame(undefined, duplicate(invocationId)))
    else if (Either.isLeft(frame)) sendNow(errorFrame(invocationId, frame.left))
    else this.#begin(invocationId, frame.right)
  }

  /** Ends every call with this error. */
  failAll(error: ApiError): void {
    for (const call of [...this.#running.values()]) {
      this.#fail(call, error)
      call.fiber?.unsafeInterruptAsFork(FiberId.none)
    }
  }

  /** The call may have ended in the meantime. */
  #cancel(invocationId: string): void {
    const call = this.#running.get(invocationId)
    if (call === undefined) return
    this.#fail(call, cancelled)
    call.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  #begin(invocationId: string, { call: decodeCall, source }: ParsedFrame): void {
    const { limits, sendNow, work } = this.#options
    const decoded = decodeCall()
    if (Either.isLeft(decoded)) return sendNow(errorFrame(invocationId, decoded.left))
    if (this.#running.size >= limits.callsPerSocket) return sendNow(errorFrame(invocationId, tooManyCalls))
    if (work.isStopping()) return sendNow(errorFrame(invocationId, serverStopping))
    const call: Call = { invocationId, source, fiber: undefined }
    this.#running.set(invocationId, call)
    call.fiber = work.start(this.#perform(call, decoded.right))
  }

  /** Returns whether the call was still running; its id may have been reused since. */
  #end(call: Call): boolean {
    return this.#running.get(call.invocationId) === call && this.#running.delete(call.invocationId)
  }

  /** Sends the error, unless the call has ended. */
  #fail(call: Call, error: ApiError): void {
    if (this.#end(call)) this.#options.sendNow(errorFrame(call.invocationId, error))
  }

  /** Runs a call to its end. What interrupts it has sent its own error, unless the server is stopping. */
  #perform(call: Call, request: StreamCall): Effect.Effect<void> {
    const { onEnd, registry, session } = this.#options
    const since = performance.now()
    const ended = (status: Status) =>
      onEnd({ invocationId: call.invocationId, status, millis: performance.now() - since })
    return registry.use(session.sessionId).pipe(
      Effect.zipRight(registry.whileActive(session, this.#forward(call, request))),
      Effect.catchAllDefect((defect) =>
        Effect.zipRight(Effect.logError(`A streamed run met a defect: ${stackFrames(defect)}`), internalError)
      ),
      Effect.catchTag("ApiError", (error) =>
        Effect.sync((): Status => {
          this.#fail(call, error)
          return "error"
        })),
      Effect.flatMap(ended),
      Effect.onInterrupt(() => {
        this.#fail(call, serverStopping)
        return ended("interrupted")
      }),
      Effect.ensuring(Effect.sync(() => this.#end(call)))
    )
  }

  /** Forwards the events of a run to the client; returns the status of its end. */
  #forward(call: Call, { params }: StreamCall) {
    const { replies, send, session } = this.#options
    const { code, language, timeoutS = defaultTimeoutMs.code / 1000 } = params
    let seq = 0
    const forward = (record: (event: RunEvent | RunEnd) => void) => (status: Status, event: RunEvent | RunEnd) =>
      Effect.as(
        Effect.suspend(() => {
          record(event)
          if (isEnd(event) && !this.#end(call)) return Effect.void
          return send(eventFrame(call, seq += 1, event))
        }),
        isEnd(event) ? event.status : status
      )
    const events = runStream(session.sandbox, replies, { code, language, seconds: timeoutS })
    return recordedRun(
      session.timeline,
      { code, language },
      { requestId: call.invocationId },
      (record) => Stream.runFoldEffect(events, "error" as Status, forward(record))
    ).pipe(Effect.catchTag("SandboxFailure", (failure) => Effect.fail(runRejected(failure))))
  }
}
