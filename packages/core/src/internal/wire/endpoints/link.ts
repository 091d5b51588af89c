/** The link route: tool calls at a session's own URL, authenticated by the session token instead of the API key. */
import * as Schema from "effect/Schema"
import { JsonObject, jsonText, nonBlank, optional } from "../codecs.js"
import { ToolReply } from "../models.js"
import { empty, endpoint } from "./endpoint.js"

/** Client-chosen ids are echoed in headers and logs, hence visible ASCII only. */
const ClientRequestId = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,128}$/, {
  description: "1 to 128 visible ASCII characters"
}))

/**
 * Body of a POST to `{linkUrl}/callTool`. The client chooses `requestId`; `token` repeats the token of the header.
 */
export const LinkCall = Schema.Struct({
  tool: nonBlank("the name of a tool"),
  args: jsonText(JsonObject),
  server: optional(Schema.String),
  requestId: optional(ClientRequestId),
  token: optional(Schema.String)
})

/**
 * Reply of the link route: `data` contains the tool's reply as JSON text; other fields are ignored.
 */
export const LinkAnswer = Schema.Struct({
  data: jsonText(Schema.Struct({ requestId: Schema.String, result: ToolReply }))
})

/** The content of a reply may be a bare string. */
const content = Schema.transform(Schema.Unknown, Schema.Unknown, {
  strict: true,
  decode: (item) =>
    Array.isArray(item) ? item.map((one) => typeof one === "string" ? { type: "text", text: one } : one) : item,
  encode: (item) => item
})

const result = () =>
  Schema.compose(
    Schema.Struct({ content, isError: Schema.Unknown.pipe(Schema.optional) }),
    ToolReply,
    { strict: false }
  )

/**
 * Calls a tool over the link route: the path is below the link of the session, and `args` is an object.
 */
export const callLink = endpoint({
  name: "callTool",
  method: "POST",
  path: "/callTool",
  query: () => empty,
  body: () =>
    Schema.Struct({
      tool: nonBlank("the name of a tool"),
      args: JsonObject,
      server: Schema.String,
      requestId: ClientRequestId,
      token: Schema.String
    }),
  reply: () =>
    Schema.Struct({
      requestId: optional(Schema.String),
      data: jsonText(Schema.Struct({ result: result() }))
    }),
  retrySafety: "unsafe",
  successRule: "link"
})
