/** The frames of the WebSocket route: a run of code begins with one, and its output, results and end come back in many. */
import * as Schema from "effect/Schema"
import { lenient, seconds, someCode } from "./codecs.js"
import { optional } from "./endpoint.js"
import { Language } from "./language.js"

/**
 * The id under which a client and the server speak about one call; clients make 32 hexadecimal digits.
 */
export const InvocationId = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,128}$/, {
  description: "1 to 128 visible ASCII characters"
}))

const ServerName = Schema.String.pipe(Schema.maxLength(128, { description: "a name of at most 128 characters" }))

/**
 * What a frame of a client is wrapped in. `data` is an object, or its JSON text.
 */
export const ClientFrame = Schema.Struct({
  invocationId: InvocationId,
  source: lenient(ServerName),
  target: lenient(ServerName),
  data: Schema.Unknown
})

/**
 * The data of a frame that starts a run of code.
 */
export const StreamCall = Schema.Struct({
  method: Schema.Literal("run_code"),
  mode: Schema.Literal("stream"),
  params: Schema.Struct({ language: Language, code: someCode, timeoutS: optional(seconds) })
})

export type StreamCall = typeof StreamCall.Type

const run = { method: Schema.Literal("run_code"), mode: Schema.Literal("stream") }
const event = { ...run, phase: Schema.Literal("event"), seq: Schema.Int }

/**
 * A piece of output; no character is split between two.
 */
export const OutputEvent = Schema.Struct({
  ...event,
  eventType: Schema.Literal("stdout", "stderr"),
  chunk: Schema.String
})

/**
 * A value that the code displayed or, as main result, ended with, in one or more MIME types.
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
 * The end of a run, whether the code succeeded or raised. `executionTime` is in seconds.
 */
export const StreamEnd = Schema.Struct({
  ...run,
  phase: Schema.Literal("end"),
  seq: Schema.Int,
  status: Schema.Literal("finished", "failed"),
  executionCount: lenient(Schema.Int),
  executionTime: lenient(Schema.Number),
  executionError: Schema.NullOr(Schema.String)
})

/**
 * The end of a call that could not run, or not to its end.
 */
export const StreamError = Schema.Struct({
  phase: Schema.Literal("error"),
  code: Schema.String,
  error: Schema.String
})

/**
 * The data of a frame of the server.
 */
export const StreamData = Schema.Union(OutputEvent, ResultEvent, StreamEnd, StreamError)

export type StreamData = typeof StreamData.Type

/**
 * A frame of the server. One without an id speaks about no call that runs.
 */
export const ServerFrame = Schema.Struct({
  invocationId: optional(InvocationId),
  source: Schema.String,
  target: lenient(Schema.String),
  data: StreamData
})

export type ServerFrame = typeof ServerFrame.Type
