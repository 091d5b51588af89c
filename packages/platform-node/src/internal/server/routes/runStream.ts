/** A run of code in a sandbox as what a client is told of it, while it runs. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { maxJson } from "../../agentWire/frames.js"
import { withinJsonLimits } from "../../agentWire/jsonLimits.js"
import {
  type SandboxAnswer,
  type SandboxCall,
  type SandboxFailure,
  SandboxLost,
  type SandboxOutput
} from "../../sandbox/channel/protocol.js"
import type { SandboxEvent } from "../../sandbox/channel/stream.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { CodeValue, executionError, lostState, toItem } from "../sessions/toolHandlers.js"

export type RunEvent =
  | { readonly eventType: "stdout" | "stderr"; readonly chunk: string }
  | {
    readonly eventType: "result"
    readonly result: { readonly mime: Readonly<Record<string, unknown>>; readonly isMainResult: boolean }
  }

export interface RunEnd {
  readonly status: "finished" | "failed"
  readonly executionCount: number
  readonly executionTime: number
  readonly executionError: string | null
}

export interface CodeRun {
  readonly language: (SandboxCall & { op: "runCode" })["language"]
  readonly code: string
  readonly seconds: number
}

/** Who reads while the code runs may have more than who gets everything at once. */
const maxStreamBytes = 64 * 2 ** 20

const decodeValue = Schema.decodeUnknownEither(CodeValue)

const errorText = ({ name, value }: { readonly name: string; readonly value: string }): string =>
  value === "" ? name : `${name}: ${value}`

/** The text of both streams, a character that is split between two pieces whole in the second. */
const makeTexts = () => {
  const decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true })
  }
  const event = (eventType: "stdout" | "stderr", text: string): ReadonlyArray<RunEvent> =>
    pieces(text).map((chunk) => ({ eventType, chunk }))
  return {
    piece: (name: "stdout" | "stderr", bytes: Uint8Array) =>
      event(name, decoders[name].decode(bytes, { stream: true })),
    rest: (name: "stdout" | "stderr", after: string) => event(name, decoders[name].decode() + after)
  }
}

/**
 * A text in pieces of whole characters, one for each frame: clients in Python take frames of 1 MiB unless told otherwise,
 * and in JSON a character may be six.
 */
const pieces = (text: string): ReadonlyArray<string> => {
  if (text === "") return []
  return text.length <= 131_072 ? [text] : text.match(/.{1,131072}/gsu) ?? []
}

const shortened = (text: string): string => {
  const [beginning = "", ...rest] = pieces(text)
  return rest.length === 0 ? beginning : `${beginning}\n[error truncated after ${beginning.length} characters]`
}

const truncated = (isTruncated: boolean, bytes: number): string =>
  isTruncated ? `\n[output truncated after ${bytes} bytes]\n` : ""

type Texts = ReturnType<typeof makeTexts>

const decodeResult = Schema.decodeUnknownEither(Schema.parseJson(CodeValue.fields.results.value))

const resultEvent = (result: Parameters<typeof toItem>[0]): RunEvent => {
  const { data, isMainResult } = toItem(result)
  return { eventType: "result", result: { mime: data, isMainResult } }
}

/** What is said when the code is done: what was left over, its error, and one end. */
const ending = (value: typeof CodeValue.Type, seconds: number, texts: Texts) => {
  const error = executionError(value, seconds)
  const notes = truncated(value.stderrTruncated, value.stderrBytes) +
    (value.kernelRestarted ? lostState : "") +
    (error?.traceback ?? "")
  const end: RunEnd = {
    status: error === null ? "finished" : "failed",
    executionCount: value.executionCount,
    executionTime: value.executionTime,
    executionError: error === null ? null : shortened(errorText(error))
  }
  const stdout = texts.rest("stdout", truncated(value.stdoutTruncated, value.stdoutBytes))
  return [...stdout, ...texts.rest("stderr", notes), end]
}

type Told = ReadonlyArray<RunEvent | RunEnd>

const readEvent = ({ body, event }: SandboxOutput, texts: Texts): Either.Either<Told, unknown> => {
  if (event !== "result") return Either.right(texts.piece(event, body))
  return withinJsonLimits(body, maxJson)
    ? Either.map(decodeResult(Buffer.from(body).toString("utf8")), (result) => [resultEvent(result)])
    : Either.left("too much")
}

const readAnswer = ({ value }: SandboxAnswer, seconds: number, texts: Texts): Either.Either<Told, unknown> =>
  Either.map(decodeValue(value), (decoded) => ending(decoded, seconds, texts))

/** Output and results as they come, and last one end. */
export const runStream = (
  sandbox: Sandbox,
  { code, language, seconds }: CodeRun
): Stream.Stream<RunEvent | RunEnd, SandboxFailure | SandboxLost> =>
  Stream.suspend(() => {
    const texts = makeTexts()
    const told = (event: SandboxEvent) =>
      Either.match(
        event._tag === "Output" ? readEvent(event.output, texts) : readAnswer(event.answer, seconds, texts),
        {
          onLeft: () => {
            const lost = new SandboxLost({ reason: "the agent answered runCode in another shape" })
            return Effect.zipRight(sandbox.kill(lost.reason), lost)
          },
          onRight: (events) => Effect.succeed(Chunk.unsafeFromArray(events))
        }
      )
    const call = { op: "runCode", language, code, timeoutMs: seconds * 1000, maxOutputBytes: maxStreamBytes } as const
    return Stream.mapConcatChunkEffect(sandbox.stream(call), told)
  })
