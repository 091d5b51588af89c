/** Frames of the WebSocket route: one frame starts a run; output, results and the end of the run arrive in further frames. */
import * as Schema from "effect/Schema"
import { optional, seconds, sourceCode } from "./codecs.js"
import { Language } from "./language.js"

/**
 * Correlation id of one call, chosen by the client (usually 32 hexadecimal digits).
 */
export const InvocationId = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,128}$/, {
  description: "1 to 128 visible ASCII characters"
}))

const ServerName = Schema.String.pipe(Schema.maxLength(128, { description: "a name of at most 128 characters" }))

/**
 * A frame sent by a client. `data` is an object or its JSON text.
 */
export const ClientFrame = Schema.Struct({
  invocationId: InvocationId,
  source: optional(ServerName),
  target: optional(ServerName),
  data: Schema.Unknown
})

/**
 * Data of a client frame that starts a run.
 */
export const StreamCall = Schema.Struct({
  method: Schema.Literal("run_code"),
  mode: Schema.Literal("stream"),
  params: Schema.Struct({ language: Language, code: sourceCode, timeoutS: optional(seconds) })
})

export type StreamCall = typeof StreamCall.Type

/**
 * The entry in the tool list of a session by which a server announces that it takes `CancelRun`. It is no tool.
 */
export const cancelAnnouncement = "cancel_run"

/**
 * Data of a client frame that ends a running call, under the id of that call. Servers that do not announce it take it for
 * input of the run, which runs of code do not read.
 */
export const CancelRun = Schema.Struct({ cancel: Schema.Literal(true) })

const run = { method: Schema.Literal("run_code"), mode: Schema.Literal("stream") }
const event = { ...run, phase: Schema.Literal("event"), seq: Schema.Int }

/**
 * A chunk of output. Characters are not split across chunks.
 */
export const OutputEvent = Schema.Struct({
  ...event,
  eventType: Schema.Literal("stdout", "stderr"),
  chunk: Schema.String
})

/**
 * A displayed value, or the main result of the code, in one or more MIME types.
 */
export const ResultEvent = Schema.Struct({
  ...event,
  eventType: Schema.Literal("result"),
  result: Schema.Struct({
    mime: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
    isMainResult: Schema.Boolean
  })
})

/**
 * The end of a run, whether the code succeeded or raised an error. `executionTime` is in seconds.
 */
export const StreamEnd = Schema.Struct({
  ...run,
  phase: Schema.Literal("end"),
  seq: Schema.Int,
  status: Schema.Literal("finished", "failed"),
  executionCount: optional(Schema.Int),
  executionTime: optional(Schema.Number),
  executionError: Schema.NullOr(Schema.String),
  /** Beside `executionError`, as in the result of `run_code`; other clients ignore it. */
  traceback: optional(Schema.String)
})

/**
 * The end of a call that could not start or was aborted.
 */
export const StreamError = Schema.Struct({
  phase: Schema.Literal("error"),
  code: Schema.String,
  error: Schema.String
})

/**
 * Data of a server frame.
 */
export const StreamData = Schema.Union(OutputEvent, ResultEvent, StreamEnd, StreamError)

export type StreamData = typeof StreamData.Type

/**
 * A frame sent by the server. Without `invocationId` it belongs to no running call.
 */
export const ServerFrame = Schema.Struct({
  invocationId: optional(InvocationId),
  source: Schema.String,
  target: optional(Schema.String),
  data: StreamData
})

export type ServerFrame = typeof ServerFrame.Type
