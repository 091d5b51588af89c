/** The frames of the WebSocket route. */
import { CancelRun, ClientFrame, InvocationId, ServerFrame, StreamCall } from "@effect-agb/core/AgbApi"
import { type ApiError, decoder } from "@effect-agb/core/AgbServer"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { EncodedResult, RunEnd, RunEvent } from "./runStream.js"

const gateway = "WEBSOCKET_SERVER"
const codeServer = "wuying_codespace"

const run = { method: "run_code", mode: "stream" } as const

const encode = Schema.encodeSync(ServerFrame)

const textOf = (frame: typeof ServerFrame.Type): string => JSON.stringify(encode(frame))

/** Without an id the error ends no call. */
export const errorFrame = (invocationId: string | undefined, { code, message }: ApiError): string =>
  textOf({
    ...(invocationId === undefined ? {} : { invocationId }),
    source: gateway,
    target: "SDK",
    data: { phase: "error", code, error: message }
  })

export const isEnd = (event: RunEvent | RunEnd): event is RunEnd => "status" in event

/** Stands for a result that is JSON already. As part of a text it would be escaped. */
const anyResult = { mime: {}, isMainResult: false }

const withResult = (frame: string, result: Uint8Array): Uint8Array => {
  const stub = JSON.stringify(anyResult)
  const at = frame.indexOf(stub)
  return Buffer.concat([Buffer.from(frame.slice(0, at)), result, Buffer.from(frame.slice(at + stub.length))])
}

export const eventFrame = (
  { invocationId, source }: { readonly invocationId: string; readonly source: string },
  seq: number,
  event: RunEvent | RunEnd
): string | Uint8Array => {
  const frame = (data: Exclude<RunEvent, EncodedResult> | RunEnd) =>
    textOf({
      invocationId,
      source,
      target: "SDK",
      data: isEnd(data) ? { ...run, phase: "end", seq, ...data } : { ...run, phase: "event", seq, ...data }
    })
  return "resultJson" in event
    ? withResult(frame({ eventType: "result", result: anyResult }), event.resultJson)
    : frame(event)
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Some clients send the id of a call under the name that it has in HTTP requests. */
const withInvocationId = (value: unknown): unknown =>
  Predicate.isRecord(value) && value["invocationId"] === undefined
    ? { ...value, invocationId: value["requestId"] }
    : value

/** `data` may be JSON text. */
const dataOf = ({ data }: typeof ClientFrame.Type): unknown => typeof data === "string" ? parsed(data) ?? data : data

/** A frame with a method starts a call; any other is input to a running one, of which a run of code knows only its cancellation. */
const startsCall = (data: unknown): boolean => typeof data === "object" && data !== null && "method" in data

const hasInvocationId = Schema.is(Schema.Struct({ invocationId: InvocationId }))
const decodeFrame = decoder(ClientFrame, "the frame")
const decodeCall = decoder(StreamCall, "data")
const isCancel = Schema.is(CancelRun)

/** A frame of a client. */
export interface ReceivedFrame {
  readonly invocationId: string
  readonly frame: Either.Either<ParsedFrame, ApiError>
}

export interface ParsedFrame {
  /** The source of the frames that answer it. */
  readonly source: string
  readonly startsCall: boolean
  readonly cancelsCall: boolean
  readonly call: () => Either.Either<StreamCall, ApiError>
}

/** Undefined where the text is no JSON or has no usable id, so that it cannot be answered. */
export const parseFrame = (text: string): ReceivedFrame | undefined => {
  const value = withInvocationId(parsed(text))
  if (!hasInvocationId(value)) return undefined
  const frame = Either.map(decodeFrame(value), (decoded): ParsedFrame => {
    const data = dataOf(decoded)
    return {
      source: decoded.target ?? codeServer,
      startsCall: startsCall(data),
      cancelsCall: isCancel(data),
      call: () => decodeCall(data)
    }
  })
  return { invocationId: value.invocationId, frame }
}
