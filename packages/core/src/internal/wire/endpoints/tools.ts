/** Endpoints that list and call tools. */
import * as Schema from "effect/Schema"
import { flag, JsonObject, jsonText, nonBlank, optional } from "../codecs.js"
import { ImageId, SessionId, ToolDescription, ToolReply } from "../models.js"
import { data, empty, endpoint } from "./endpoint.js"

const toolDescriptions = () =>
  Schema.Union(
    jsonText(Schema.Array(ToolDescription)),
    Schema.transform(Schema.Literal(""), Schema.Array(Schema.typeSchema(ToolDescription)), {
      strict: true,
      decode: () => [],
      encode: () => "" as const
    })
  )

/**
 * Lists the tools of an image.
 */
export const listTools = endpoint({
  name: "listTools",
  method: "POST",
  path: "/mcp/listTools",
  query: () => Schema.Struct({ imageId: ImageId }),
  body: () => empty,
  reply: () => data(toolDescriptions()),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * Calls a tool of a session. Retry safety depends on the tool and is declared in `AgbTools`; the endpoint itself assumes
 * `unsafe`. The reply includes the request id, which errors of the tool report.
 */
export const callTool = endpoint({
  name: "callTool",
  method: "POST",
  path: "/mcp",
  query: () => Schema.Struct({ autoGenSession: optional(flag), imageId: optional(Schema.String) }),
  body: () =>
    Schema.Struct({
      sessionId: SessionId,
      name: nonBlank("the name of a tool"),
      args: jsonText(JsonObject),
      server: optional(Schema.String)
    }),
  reply: () => Schema.Struct({ requestId: optional(Schema.String), data: ToolReply }),
  retrySafety: "unsafe",
  successRule: "strict"
})
