/** Endpoints that create, describe, keep alive and release sessions. */
import * as Schema from "effect/Schema"
import { jsonText, nonBlank, numberText, optional, ToolServers } from "../codecs.js"
import { DesktopInfo, ImageId, Labels, SessionId } from "../models.js"
import { PersistenceDataList } from "../persistence.js"
import { concealed } from "../text/concealed.js"
import { acknowledged, data, empty, endpoint, like } from "./endpoint.js"

const nonEmptyLabels = () =>
  Labels.pipe(Schema.filter((labels) => Object.keys(labels).length > 0, {
    description: "an object with at least one label"
  }))

/** Some servers spell the field `Status`. */
const anyStatus = () => {
  const Status = Schema.Struct({ status: Schema.String })
  return Schema.Union(
    Status,
    Schema.transform(Schema.Struct({ Status: Schema.String }), Schema.typeSchema(Status), {
      strict: true,
      decode: ({ Status }) => ({ status: Status }),
      encode: ({ status }) => ({ Status: status })
    })
  )
}

const connectionFields = () => ({
  resourceUrl: optional(Schema.String),
  appInstanceId: optional(Schema.String),
  resourceId: optional(Schema.String),
  linkUrl: optional(Schema.String),
  wsUrl: optional(Schema.String),
  token: optional(Schema.Redacted(Schema.String)),
  toolList: optional(ToolServers)
})

/** URLs that contain an access code or a token. */
const credentials = ["resourceUrl", "wsUrl"] as const

const sessionBody = () => Schema.Struct({ sessionId: SessionId })

/**
 * Creates a session. `timeout` is the idle timeout in whole seconds after which the server releases it. `sdkStats` is JSON
 * that describes the client.
 */
export const createSession = endpoint({
  name: "createSession",
  method: "POST",
  path: "/mcp/createSession",
  query: () => Schema.Struct({ imageId: optional(ImageId), sdkStats: optional(Schema.String) }),
  body: () =>
    Schema.Struct({
      labels: optional(jsonText(Labels)),
      mcpPolicyId: optional(Schema.String),
      contextId: optional(Schema.String),
      timeout: optional(Schema.NonNegativeInt),
      persistenceDataList: optional(PersistenceDataList)
    }),
  reply: () =>
    data(concealed(
      Schema.Struct({ sessionId: SessionId, success: optional(Schema.Boolean), ...connectionFields() }),
      ...credentials
    )),
  retrySafety: "unsafe",
  successRule: "data"
})

/**
 * Releases a session synchronously (older form).
 */
export const releaseSession = endpoint({
  name: "releaseSession",
  method: "POST",
  path: "/mcp/releaseSession",
  query: () => empty,
  body: sessionBody,
  reply: () => acknowledged,
  retrySafety: "idempotent",
  successRule: "strict"
})

/**
 * Starts the release of a session; `getSessionInfo` reports when it is complete.
 */
export const releaseSessionAsync = endpoint({
  ...like(releaseSession),
  name: "releaseSessionAsync",
  path: "/mcp/releaseSessionAsync"
})

/**
 * Returns what is needed to use an existing session.
 */
export const getSession = endpoint({
  name: "getSession",
  method: "POST",
  path: "/mcp/getSession",
  query: () => empty,
  body: sessionBody,
  reply: () =>
    data(concealed(
      Schema.Struct({
        sessionId: SessionId,
        status: optional(Schema.String),
        success: optional(Schema.Boolean),
        ...connectionFields()
      }),
      ...credentials
    )),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * Returns the status of a session: `RUNNING`, `DELETING` or `FINISH`, in any case. It does not reset the idle timer.
 */
export const getSessionInfo = endpoint({
  name: "getSessionInfo",
  method: "POST",
  path: "/mcp/getSessionInfo",
  query: () => empty,
  body: sessionBody,
  reply: () => data(anyStatus()),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * Lists the live sessions that have all the given labels, page by page. `total` counts all pages.
 */
export const listSession = endpoint({
  name: "listSession",
  method: "GET",
  path: "/sdk/ListSession",
  query: () =>
    Schema.Struct({
      labels: optional(jsonText(Labels)),
      maxResults: optional(numberText.pipe(Schema.filter((n) => Number.isSafeInteger(n) && n > 0, {
        description: "a positive integer"
      }))),
      nextToken: optional(Schema.String)
    }),
  body: () => empty,
  reply: () =>
    Schema.Struct({
      sessions: Schema.propertySignature(Schema.Array(Schema.Struct({
        sessionId: SessionId,
        sessionStatus: optional(Schema.String)
      }))).pipe(Schema.fromKey("data")),
      nextToken: optional(Schema.String),
      maxResults: optional(Schema.Number),
      total: optional(Schema.Number).pipe(Schema.fromKey("count"))
    }),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * Replaces all labels of a session.
 */
export const setLabel = endpoint({
  name: "setLabel",
  method: "POST",
  path: "/sdk/SetLabel",
  query: () =>
    Schema.Struct({
      sessionId: SessionId,
      labels: Schema.propertySignature(jsonText(nonEmptyLabels())).pipe(Schema.fromKey("Labels"))
    }),
  body: () => empty,
  reply: () => acknowledged,
  retrySafety: "idempotent",
  successRule: "lenient"
})

/**
 * Returns the labels of a session, or an empty record.
 */
export const getLabel = endpoint({
  name: "getLabel",
  method: "GET",
  path: "/sdk/GetLabel",
  query: () => Schema.Struct({ sessionId: SessionId }),
  body: () => empty,
  reply: () =>
    Schema.transform(
      Schema.Struct({ data: optional(Schema.Struct({ labels: optional(jsonText(Labels)) })) }),
      Schema.typeSchema(Labels),
      { strict: true, decode: ({ data }) => data?.labels ?? {}, encode: (labels) => ({ data: { labels } }) }
    ),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * Returns the URL to view the session and, for desktop images, the connection parameters of the viewer.
 */
export const getMcpResource = endpoint({
  name: "getMcpResource",
  method: "POST",
  path: "/mcp/getMcpResource",
  query: () => empty,
  body: sessionBody,
  reply: () =>
    data(concealed(
      Schema.Struct({
        sessionId: optional(Schema.String),
        resourceUrl: optional(Schema.String),
        desktopInfo: optional(DesktopInfo)
      }),
      "resourceUrl"
    )),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * Resets the idle timer of a session.
 */
export const refreshSessionIdleTime = endpoint({
  name: "refreshSessionIdleTime",
  method: "POST",
  path: "/mcp/refreshSessionIdleTime",
  query: () => Schema.Struct({ sessionId: SessionId }),
  body: () => empty,
  reply: () => acknowledged,
  retrySafety: "idempotent",
  successRule: "strict"
})

/**
 * Returns a public URL of the session, or of one of its ports; servers may accept some ports only.
 */
export const getLink = endpoint({
  name: "getLink",
  method: "GET",
  path: "/internet/getLink",
  query: () =>
    Schema.Struct({
      sessionId: SessionId,
      protocolType: optional(nonBlank("a protocol such as https or wss")),
      port: optional(numberText.pipe(Schema.filter((n) => Number.isInteger(n) && n >= 1 && n <= 65_535, {
        description: "an integer from 1 to 65535"
      })))
    }),
  body: () => empty,
  reply: () => data(Schema.Struct({ url: nonBlank("a URL") })),
  retrySafety: "safe",
  successRule: "strict"
})
