/** The endpoints that list and call tools. */
import * as Schema from "effect/Schema"
import { filled, flag, JsonObject, jsonText, lenient } from "./codecs.js"
import { data, endpoint, nothing, optional } from "./endpoint.js"
import { ImageId, SessionId, ToolDescription, ToolReply } from "./models.js"

const ToolDescriptions = Schema.Union(
  jsonText(Schema.Array(ToolDescription)),
  Schema.transform(Schema.Literal(""), Schema.Array(Schema.typeSchema(ToolDescription)), {
    strict: true,
    decode: () => [],
    encode: () => "" as const
  })
)

/**
 * The tools of an image.
 */
export const listTools = endpoint({
  name: "listTools",
  method: "POST",
  path: "/mcp/listTools",
  query: Schema.Struct({ imageId: ImageId }),
  body: nothing,
  reply: data(ToolDescriptions),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * Calls a tool of a session. `args` is the argument record; how safely the call may be repeated depends on the tool,
 * so this endpoint says `once` and `AgbTools` knows better. The reply carries the request id for the tool's own errors.
 */
export const callTool = endpoint({
  name: "callTool",
  method: "POST",
  path: "/mcp",
  query: Schema.Struct({ autoGenSession: optional(flag), imageId: optional(Schema.String) }),
  body: Schema.Struct({
    sessionId: SessionId,
    name: filled("the name of a tool"),
    args: jsonText(JsonObject),
    server: optional(Schema.String)
  }),
  reply: Schema.Struct({ requestId: lenient(Schema.String), data: ToolReply }),
  retrySafety: "unsafe",
  successRule: "strict"
})
