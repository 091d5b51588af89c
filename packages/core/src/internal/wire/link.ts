/** The link route: the tools of one session under an address of its own, with the session's token instead of a key. */
import * as Schema from "effect/Schema"
import { filled, JsonObject, jsonText } from "./codecs.js"
import { optional } from "./endpoint.js"
import { ToolReply } from "./models.js"

/** Ids that clients make up come back in headers and logs. */
const ClientRequestId = Schema.String.pipe(Schema.pattern(/^[\x21-\x7e]{1,128}$/, {
  description: "1 to 128 visible ASCII characters"
}))

/**
 * What is posted to `{linkUrl}/callTool`. The client makes the request id, and repeats the token of its header.
 */
export const LinkCall = Schema.Struct({
  tool: filled("the name of a tool"),
  args: jsonText(JsonObject),
  server: optional(Schema.String),
  requestId: optional(ClientRequestId),
  token: optional(Schema.String)
})

/**
 * What the link route answers: the tool's answer is JSON text under `data`; the fields around it say nothing more.
 */
export const LinkAnswer = Schema.Struct({
  data: jsonText(Schema.Struct({ requestId: Schema.String, result: ToolReply }))
})
