/** The form of a cassette: what a backend was asked for, and what it answered. */
import * as Schema from "effect/Schema"
import { line } from "../../errors/sharedFields.js"

const Failure = Schema.Struct({
  /** `NoAnswer`: none came before the caller gave up. */
  failure: Schema.Literal("Unreachable", "Interrupted", "Timeout", "TooLarge", "NoAnswer"),
  code: Schema.String
})

/** Text, where the bytes are UTF-8. */
const Content = Schema.Union(Schema.Struct({ text: Schema.String }), Schema.Struct({ base64: Schema.String }))

const Headers = Schema.Record({ key: Schema.String, value: Schema.String })

const Call = Schema.Struct({
  _tag: Schema.Literal("Call"),
  /** The tool, or else the endpoint. */
  point: Schema.String,
  request: Schema.Unknown,
  reply: Schema.Union(
    Schema.Struct({
      status: Schema.Int,
      headers: Schema.optionalWith(Headers, { exact: true }),
      /** JSON, or else a text. */
      body: Schema.Unknown
    }),
    Failure
  )
})

const Transfer = Schema.Struct({
  _tag: Schema.Literal("Transfer"),
  request: Schema.Struct({
    method: Schema.String,
    url: Schema.String,
    body: Schema.optionalWith(Content, { exact: true })
  }),
  reply: Schema.Union(Schema.Struct({ status: Schema.Int, headers: Headers, body: Content }), Failure)
})

const Run = Schema.Struct({
  _tag: Schema.Literal("Run"),
  /** What the frame of a client says that starts a run. */
  request: Schema.Unknown,
  /** The data of the frames that the server sent about it. */
  frames: Schema.Array(Schema.Unknown)
})

/**
 * An entry of a cassette: a call of an endpoint or a tool, the transfer of a file, or a streamed run.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const CassetteEntry = Schema.Union(Call, Transfer, Run)

/**
 * An entry of a cassette: a call of an endpoint or a tool, the transfer of a file, or a streamed run.
 *
 * @since 0.1.0
 * @category cassettes
 */
export type CassetteEntry = typeof CassetteEntry.Type

/**
 * What a backend was asked for, and what it answered, without secrets.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const Cassette = Schema.Struct({
  version: Schema.Literal(1),
  entries: Schema.Array(CassetteEntry)
})

/**
 * What a backend was asked for, and what it answered, without secrets.
 *
 * @since 0.1.0
 * @category cassettes
 */
export type Cassette = typeof Cassette.Type

/**
 * The text of a cassette is none, or cannot be read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class CassetteError extends Schema.TaggedError<CassetteError>("@effect-agb/core/AgbTest/CassetteError")(
  "CassetteError",
  { path: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return line(`AgbTest: the cassette ${this.path} ${this.detail}`)
  }
}

/**
 * A request that a cassette has no answer for. It is a defect: the call dies with it, and, unless `takeMisses` has taken it, the end of
 * the layer.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReplayMissError extends Schema.TaggedError<ReplayMissError>("@effect-agb/core/AgbTest/ReplayMissError")(
  "ReplayMissError",
  {
    /** The request. */
    asked: Schema.String,
    /** The next request of this kind in the cassette, if there is one. */
    expected: Schema.String
  }
) {
  override get message(): string {
    return `AgbTest: nothing is recorded for ${this.asked}; the cassette has ${this.expected}`
  }
}
