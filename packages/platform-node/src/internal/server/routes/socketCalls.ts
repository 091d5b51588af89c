/** The calls on one WebSocket: each begins with a frame of the client and ends with one frame of the server. */
import { ClientFrame, InvocationId, ServerFrame, StreamCall } from "@effect-agb/core/AgbApi"
import { type ApiError, decoder } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { SandboxFailure } from "../../sandbox/channel/protocol.js"
import { refusal } from "../http/originCheck.js"
import { isModest } from "../http/requestBody.js"
import { placeOf } from "../http/requestLog.js"
import type { ServerLimits } from "../http/serverLimits.js"
import type { Work } from "../http/work.js"
import type { LocalSession, Registry } from "../sessions/registry.js"
import { defaultTimeoutMs } from "../sessions/toolHandlers.js"
import { type RunEnd, type RunEvent, runStream } from "./runStream.js"

export interface SocketCallsOptions {
  readonly registry: Registry
  readonly session: LocalSession
  readonly limits: ServerLimits
  readonly work: Work
  /** Sends a frame; does not return before the client takes what is sent. */
  readonly send: (text: string) => Effect.Effect<void>
  /** Sends a frame whoever takes it. */
  readonly sendNow: (text: string) => void
  /** Called once for each call that has ended. */
  readonly onEnd: (call: EndedCall) => Effect.Effect<void>
}

export interface EndedCall {
  readonly invocationId: string
  readonly status: "finished" | "failed" | "error" | "interrupted"
  readonly millis: number
}

interface Call {
  readonly id: string
  readonly source: string
  fiber: Fiber.RuntimeFiber<void> | undefined
}

export interface SocketCalls {
  readonly onText: (bytes: Buffer) => void
  /** Ends all calls, each with the reason. */
  readonly fail: (reason: ApiError) => void
}

const gateway = "WEBSOCKET_SERVER"
const codeServer = "wuying_codespace"

const isAddressed = Schema.is(Schema.Struct({ invocationId: InvocationId }))
const decodeFrame = decoder(ClientFrame, "the frame")
const decodeCall = decoder(StreamCall, "data")
const encodeFrame = Schema.encodeSync(ServerFrame)

const textOf = (frame: typeof ServerFrame.Type): string => JSON.stringify(encodeFrame(frame))

const errorFrame = (invocationId: string | undefined, { code, message }: ApiError): string =>
  textOf({
    ...(invocationId === undefined ? {} : { invocationId }),
    source: gateway,
    target: "SDK",
    data: { phase: "error", code, error: message }
  })

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Some write the id of a call under the name that it has in requests. */
const addressed = (value: unknown): unknown =>
  Predicate.isRecord(value) && value["invocationId"] === undefined
    ? { ...value, invocationId: value["requestId"] }
    : value

/** `data` may be JSON text itself. */
const dataOf = ({ data }: typeof ClientFrame.Type): unknown => typeof data === "string" ? parsed(data) ?? data : data

/** Another frame for a call that runs: there is nothing in a run of code that could take it. */
const isFollowing = (data: unknown): boolean => typeof data !== "object" || data === null || !("method" in data)

const run = { method: "run_code", mode: "stream" } as const

const isEnd = (event: RunEvent | RunEnd): event is RunEnd => "status" in event

const stopping = refusal(503, "ServerStopping", "the server is about to end")

const internal = refusal(500, "InternalError", "the server failed")

const tooMany = refusal(429, "Throttling.Calls", "too many calls run on this WebSocket")

const agentRefused = ({ code, message }: SandboxFailure) => refusal(500, code, message)

export const make = (options: SocketCallsOptions): SocketCalls => {
  const { limits, onEnd, registry, send, sendNow, session, work } = options
  const running = new Map<string, Call>()

  /** Whether the call had not ended before: its id may be another call's by now. */
  const end = (call: Call): boolean => running.get(call.id) === call && running.delete(call.id)

  /** One error, and only for a call that has not ended yet. */
  const failCall = (call: Call, reason: ApiError): void => {
    if (end(call)) sendNow(errorFrame(call.id, reason))
  }

  const frameOf = ({ id, source }: Call, seq: number, event: RunEvent | RunEnd): string =>
    textOf({
      invocationId: id,
      source,
      target: "SDK",
      data: isEnd(event) ? { ...run, phase: "end", seq, ...event } : { ...run, phase: "event", seq, ...event }
    })

  const forward = (call: Call, { params }: StreamCall) => {
    const { code, language, timeoutS = defaultTimeoutMs.code / 1000 } = params
    let seq = 0
    const tell = (ended: EndedCall["status"], event: RunEvent | RunEnd) =>
      Effect.as(
        Effect.suspend(() => {
          if (isEnd(event) && !end(call)) return Effect.void
          return send(frameOf(call, seq += 1, event))
        }),
        isEnd(event) ? event.status : ended
      )
    return Stream.runFoldEffect(
      runStream(session.sandbox, { code, language, seconds: timeoutS }),
      "error" as EndedCall["status"],
      tell
    ).pipe(Effect.catchTag("SandboxFailure", (failure) => Effect.fail(agentRefused(failure))))
  }

  /** From its first frame to its last; whoever interrupts it says why, or has nobody to say it to. */
  const perform = (call: Call, wanted: StreamCall): Effect.Effect<void> => {
    const since = performance.now()
    const ended = (status: EndedCall["status"]) =>
      onEnd({ invocationId: call.id, status, millis: performance.now() - since })
    return registry.use(session.sessionId).pipe(
      Effect.zipRight(registry.atWork(session, forward(call, wanted))),
      Effect.catchAllDefect((defect) =>
        Effect.zipRight(Effect.logError(`A streamed run met a defect: ${placeOf(defect)}`), internal)
      ),
      Effect.catchTag("ApiError", (reason) =>
        Effect.sync((): EndedCall["status"] => {
          failCall(call, reason)
          return "error"
        })),
      Effect.flatMap(ended),
      Effect.onInterrupt(() => {
        failCall(call, stopping)
        return ended("interrupted")
      }),
      Effect.ensuring(Effect.sync(() => end(call)))
    )
  }

  const begin = (frame: typeof ClientFrame.Type): void => {
    const { invocationId: id } = frame
    const wanted = decodeCall(dataOf(frame))
    if (Either.isLeft(wanted)) return sendNow(errorFrame(id, wanted.left))
    if (running.size >= limits.callsPerSocket) return sendNow(errorFrame(id, tooMany))
    if (work.isEnding()) return sendNow(errorFrame(id, stopping))
    const call: Call = { id, source: frame.target ?? codeServer, fiber: undefined }
    running.set(id, call)
    call.fiber = work.start(perform(call, wanted.right))
  }

  /** Without an id: an error with one would end the call that runs. */
  const refuseTwin = (id: string) =>
    sendNow(errorFrame(undefined, refusal(409, "DuplicateInvocation", `a call with the id ${id} is running already`)))

  const onText = (bytes: Buffer) => {
    if (!isModest(bytes, limits)) return
    const value = addressed(parsed(bytes.toString("utf8")))
    if (!isAddressed(value)) return
    const frame = decodeFrame(value)
    const isRunning = running.has(value.invocationId)
    if (isRunning && Either.isRight(frame) && isFollowing(dataOf(frame.right))) return
    if (isRunning) refuseTwin(value.invocationId)
    else if (Either.isLeft(frame)) sendNow(errorFrame(value.invocationId, frame.left))
    else begin(frame.right)
  }

  const fail = (reason: ApiError) => {
    for (const call of [...running.values()]) {
      failCall(call, reason)
      call.fiber?.unsafeInterruptAsFork(FiberId.none)
    }
  }

  return { onText, fail }
}
