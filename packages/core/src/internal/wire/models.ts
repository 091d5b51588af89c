/** The values that endpoints share. */
import * as Schema from "effect/Schema"
import { filled, lenient, StringRecord } from "./codecs.js"

/**
 * The opaque id of a session.
 */
export const SessionId = filled("a session id that is not blank")

/**
 * The name of an image.
 */
export const ImageId = filled("an image id that is not blank")

/**
 * Labels of a session: names and values that are not blank. `__proto__` is no label name.
 */
export const Labels = StringRecord.pipe(
  Schema.filter(
    (labels) =>
      Object.entries(labels).every(([key, value]) => key.trim() !== "" && key !== "__proto__" && value.trim() !== ""),
    {
      description: "an object whose keys and values are strings that are not blank"
    }
  )
)

export type Labels = typeof Labels.Type

/**
 * A tool that an image offers: its name, the server inside the session that answers, and the JSON Schema of its
 * arguments.
 */
export const ToolDescription = Schema.Struct({
  name: Schema.String,
  server: lenient(Schema.String),
  description: lenient(Schema.String),
  inputSchema: lenient(Schema.Unknown),
  tool: lenient(Schema.String)
})

export type ToolDescription = typeof ToolDescription.Type

/**
 * What a viewer needs to connect to a desktop image. `authCode` and `ticket` are credentials.
 */
export const DesktopInfo = Schema.Struct({
  appId: lenient(Schema.String),
  authCode: lenient(Schema.Redacted(Schema.String)),
  connectionProperties: lenient(Schema.String),
  resourceId: lenient(Schema.String),
  resourceType: lenient(Schema.String),
  ticket: lenient(Schema.Redacted(Schema.String))
})

export type DesktopInfo = typeof DesktopInfo.Type

/**
 * One piece of a tool's answer. Tools answer with `text`; the other fields are kept for those that do not.
 */
export const ToolContent = Schema.Struct({
  type: lenient(Schema.String),
  text: lenient(Schema.String),
  blob: lenient(Schema.String),
  data: lenient(Schema.Unknown)
})

/**
 * A tool's answer: `isError` says that the tool failed, and then the text says why.
 */
export const ToolReply = Schema.Struct({
  content: Schema.Array(ToolContent),
  isError: Schema.optionalWith(Schema.Boolean, { nullable: true, default: () => false })
})

export type ToolReply = typeof ToolReply.Type

/**
 * One displayed value of a run: representations of the same thing by MIME type, e.g. `text/plain` and `image/png`
 * (base64). `isMainResult` marks the value of the last expression.
 */
export const CodeResultItem = Schema.Struct({
  data: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  isMainResult: Schema.Boolean
})

export type CodeResultItem = typeof CodeResultItem.Type
