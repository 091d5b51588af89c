/** A run of code in a sandbox as a stream of the events that a client gets. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  type SandboxAnswer,
  type SandboxCall,
  type SandboxFailure,
  SandboxLost,
  type SandboxOutput
} from "../../sandbox/channel/protocol.js"
import type { SandboxEvent } from "../../sandbox/channel/stream.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import type { ReplyThread } from "../sessions/replyThread.js"
import { decodeResult, toItem } from "../sessions/results.js"
import { CodeValue, executionError, stateLostNotice } from "../sessions/toolHandlers.js"

export type RunEvent =
  | { readonly eventType: "stdout" | "stderr"; readonly chunk: string }
  | {
    readonly eventType: "result"
    readonly result: { readonly mime: Readonly<Record<string, unknown>>; readonly isMainResult: boolean }
  }
  | EncodedResult

/** A large result, as JSON in UTF-8. */
export interface EncodedResult {
  readonly eventType: "result"
  readonly resultJson: Uint8Array
}

export interface RunEnd {
  readonly status: "finished" | "failed"
  readonly executionCount: number
  readonly executionTime: number
  readonly executionError: string | null
  readonly traceback?: string
}

export interface CodeRun {
  readonly language: (SandboxCall & { op: "runCode" })["language"]
  readonly code: string
  readonly seconds: number
}

/** Limit on the output of a streamed run: larger than that of a reply, since it is not kept. */
const maxStreamBytes = 64 * 2 ** 20

const decodeValue = Schema.decodeUnknownEither(CodeValue)

const errorText = ({ name, value }: { readonly name: string; readonly value: string }): string =>
  value === "" ? name : `${name}: ${value}`

/** Decodes both streams incrementally: a character that is split between two chunks appears in the second. */
const makeDecoders = () => {
  const decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true })
  }
  const event = (eventType: "stdout" | "stderr", text: string): ReadonlyArray<RunEvent> =>
    split(text).map((chunk) => ({ eventType, chunk }))
  return {
    decode: (name: "stdout" | "stderr", bytes: Uint8Array) =>
      event(name, decoders[name].decode(bytes, { stream: true })),
    /** What is left, and `suffix`. */
    finish: (name: "stdout" | "stderr", suffix: string) => event(name, decoders[name].decode() + suffix)
  }
}

/**
 * Splits a text into one part per frame, never inside a character: Python clients accept frames of 1 MiB by default, and JSON
 * may escape a character as six.
 */
const split = (text: string): ReadonlyArray<string> => {
  if (text === "") return []
  return text.length <= 131_072 ? [text] : text.match(/.{1,131072}/gsu) ?? []
}

const truncatedError = (text: string): string => {
  const [beginning = "", ...rest] = split(text)
  return rest.length === 0 ? beginning : `${beginning}\n[error truncated after ${beginning.length} characters]`
}

const truncationNotice = (isTruncated: boolean, bytes: number): string =>
  isTruncated ? `\n[output truncated after ${bytes} bytes]\n` : ""

type Decoders = ReturnType<typeof makeDecoders>

const resultEvent = (result: Parameters<typeof toItem>[0]): RunEvent => {
  const { data, isMainResult } = toItem(result)
  return { eventType: "result", result: { mime: data, isMainResult } }
}

/** The last events: the rest of both streams, with notices and the traceback, and one end. */
const lastEvents = (value: typeof CodeValue.Type, seconds: number, decoders: Decoders) => {
  const error = executionError(value, seconds)
  const suffix = truncationNotice(value.stderrTruncated, value.stderrBytes) +
    (value.kernelRestarted ? stateLostNotice : "") +
    (error?.traceback ?? "")
  const end: RunEnd = {
    status: error === null ? "finished" : "failed",
    executionCount: value.executionCount,
    executionTime: value.executionTime,
    executionError: error === null ? null : truncatedError(errorText(error)),
    ...(error === null || error.traceback === "" ? {} : { traceback: truncatedError(error.traceback) })
  }
  const stdout = decoders.finish("stdout", truncationNotice(value.stdoutTruncated, value.stdoutBytes))
  return [...stdout, ...decoders.finish("stderr", suffix), end]
}

type Events = ReadonlyArray<RunEvent | RunEnd>

const readOutput = ({ body, event }: SandboxOutput, decoders: Decoders): Either.Either<Events, unknown> =>
  event === "result"
    ? Either.map(decodeResult(body), (result) => [resultEvent(result)])
    : Either.right(decoders.decode(event, body))

/** Larger results are turned into JSON for clients by another thread. */
const largeResultBytes = 64 * 1024

const readAnswer = ({ value }: SandboxAnswer, seconds: number, decoders: Decoders): Either.Either<Events, unknown> =>
  Either.map(decodeValue(value), (decoded) => lastEvents(decoded, seconds, decoders))

/** Output and results as they arrive, and last exactly one end. */
export const runStream = (
  sandbox: Sandbox,
  replies: ReplyThread,
  { code, language, seconds }: CodeRun
): Stream.Stream<RunEvent | RunEnd, SandboxFailure | SandboxLost> =>
  Stream.suspend(() => {
    const decoders = makeDecoders()
    const decoded = Either.match({
      onLeft: () => {
        const lost = new SandboxLost({ reason: "the agent answered runCode in another shape" })
        return Effect.zipRight(sandbox.kill(lost.reason), lost)
      },
      onRight: (events: Events) => Effect.succeed(Chunk.unsafeFromArray(events))
    })
    const eventsOf = (event: SandboxEvent): Effect.Effect<Chunk.Chunk<RunEvent | RunEnd>, SandboxLost> => {
      if (event._tag === "Answer") return decoded(readAnswer(event.answer, seconds, decoders))
      const { body, event: name } = event.output
      return name === "result" && body.length > largeResultBytes
        ? Effect.map(replies.resultJson(sandbox, body), (resultJson) => Chunk.of({ eventType: "result", resultJson }))
        : decoded(readOutput(event.output, decoders))
    }
    const call = { op: "runCode", language, code, timeoutMs: seconds * 1000, maxOutputBytes: maxStreamBytes } as const
    return Stream.mapConcatChunkEffect(sandbox.stream(call), eventsOf)
  })
