/** Models shared by endpoints. */
import * as Schema from "effect/Schema"
import { nonBlank, optional, StringRecord } from "./codecs.js"
import { concealed } from "./text/concealed.js"

/**
 * The opaque id of a session.
 */
export const SessionId = nonBlank("a non-blank session id")

/**
 * The name of an image.
 */
export const ImageId = nonBlank("a non-blank image id")

/**
 * Labels of a session. Names and values must not be blank; the name `__proto__` is rejected.
 */
export const Labels = StringRecord.pipe(
  Schema.filter(
    (labels) =>
      Object.entries(labels).every(([key, value]) => key.trim() !== "" && key !== "__proto__" && value.trim() !== ""),
    { description: "an object with non-blank string keys and values" }
  )
)

export type Labels = typeof Labels.Type

/**
 * A tool offered by an image: its name, the server inside the session that implements it, and the JSON Schema of its
 * arguments.
 */
export const ToolDescription = Schema.Struct({
  name: Schema.String,
  server: optional(Schema.String),
  description: optional(Schema.String),
  inputSchema: optional(Schema.Unknown),
  tool: optional(Schema.String)
})

export type ToolDescription = typeof ToolDescription.Type

/**
 * Connection parameters for the viewer of a desktop image. `authCode`, `ticket` and `connectionProperties` are credentials.
 */
export const DesktopInfo = concealed(
  Schema.Struct({
    appId: optional(Schema.String),
    authCode: optional(Schema.Redacted(Schema.String)),
    connectionProperties: optional(Schema.String),
    resourceId: optional(Schema.String),
    resourceType: optional(Schema.String),
    ticket: optional(Schema.Redacted(Schema.String))
  }),
  "connectionProperties"
)

export type DesktopInfo = typeof DesktopInfo.Type

/**
 * One content item of a tool's reply. Most tools reply with `text`; the other fields are kept for those that do not.
 */
export const ToolContent = Schema.Struct({
  type: optional(Schema.String),
  text: optional(Schema.String),
  blob: optional(Schema.String),
  data: optional(Schema.Unknown)
})

/**
 * Reply of a tool. With `isError` the text is the error message.
 */
export const ToolReply = Schema.Struct({
  content: Schema.Array(ToolContent),
  isError: Schema.optionalWith(Schema.Boolean, { nullable: true, default: () => false })
})

export type ToolReply = typeof ToolReply.Type

/**
 * One displayed value of a run: its representations by MIME type, e.g. `text/plain` and `image/png` (base64). `isMainResult` marks the value of the last expression.
 */
export const CodeResultItem = Schema.Struct({
  data: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  isMainResult: Schema.Boolean
})

export type CodeResultItem = typeof CodeResultItem.Type
