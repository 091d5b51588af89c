/** The endpoints that create, describe, keep alive and release sessions. */
import * as Schema from "effect/Schema"
import { filled, jsonText, lenient, numberText, ToolServers } from "./codecs.js"
import { acknowledged, data, endpoint, nothing, optional } from "./endpoint.js"
import { DesktopInfo, ImageId, Labels, SessionId } from "./models.js"
import { PersistenceDataList } from "./persistence.js"

const SomeLabels = Labels.pipe(Schema.filter((labels) => Object.keys(labels).length > 0, {
  description: "an object with at least one label"
}))

const Status = Schema.Struct({ status: Schema.String })

/** Some servers write `Status`. */
const AnyStatus = Schema.Union(
  Status,
  Schema.transform(Schema.Struct({ Status: Schema.String }), Schema.typeSchema(Status), {
    strict: true,
    decode: ({ Status }) => ({ status: Status }),
    encode: ({ status }) => ({ Status: status })
  })
)

const handles = {
  resourceUrl: lenient(Schema.String),
  appInstanceId: lenient(Schema.String),
  resourceId: lenient(Schema.String),
  linkUrl: lenient(Schema.String),
  wsUrl: lenient(Schema.String),
  token: lenient(Schema.Redacted(Schema.String)),
  toolList: lenient(ToolServers)
}

const sessionBody = Schema.Struct({ sessionId: SessionId })

/**
 * Starts a session. `timeout` is the idle time in whole seconds after which the server releases it by itself; every
 * label can be searched for with `listSession`. `sdkStats` is what a client says of itself, as JSON.
 */
export const createSession = endpoint({
  name: "createSession",
  method: "POST",
  path: "/mcp/createSession",
  query: Schema.Struct({ imageId: optional(ImageId), sdkStats: optional(Schema.String) }),
  body: Schema.Struct({
    labels: optional(jsonText(Labels)),
    mcpPolicyId: optional(Schema.String),
    contextId: optional(Schema.String),
    timeout: optional(Schema.NonNegativeInt),
    persistenceDataList: optional(PersistenceDataList)
  }),
  reply: data(Schema.Struct({ sessionId: SessionId, success: lenient(Schema.Boolean), ...handles })),
  retrySafety: "unsafe",
  successRule: "data"
})

/**
 * Releases a session in one call (the older form).
 */
export const releaseSession = endpoint({
  name: "releaseSession",
  method: "POST",
  path: "/mcp/releaseSession",
  query: nothing,
  body: sessionBody,
  reply: acknowledged,
  retrySafety: "idempotent",
  successRule: "strict"
})

/**
 * Starts the release of a session; `getSessionInfo` says when it is over.
 */
export const releaseSessionAsync = endpoint({
  ...releaseSession,
  name: "releaseSessionAsync",
  path: "/mcp/releaseSessionAsync"
})

/**
 * What is needed to use a session that exists.
 */
export const getSession = endpoint({
  name: "getSession",
  method: "POST",
  path: "/mcp/getSession",
  query: nothing,
  body: sessionBody,
  reply: data(Schema.Struct({
    sessionId: SessionId,
    status: lenient(Schema.String),
    success: lenient(Schema.Boolean),
    ...handles
  })),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * The status of a session: `RUNNING`, `DELETING`, `FINISH`, in any case of letters. It does not count as use.
 */
export const getSessionInfo = endpoint({
  name: "getSessionInfo",
  method: "POST",
  path: "/mcp/getSessionInfo",
  query: nothing,
  body: sessionBody,
  reply: data(AnyStatus),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * The live sessions that carry all the given labels, a page at a time. `total` counts over all pages.
 */
export const listSession = endpoint({
  name: "listSession",
  method: "GET",
  path: "/sdk/ListSession",
  query: Schema.Struct({
    labels: optional(jsonText(Labels)),
    maxResults: optional(numberText.pipe(Schema.filter((n) => Number.isSafeInteger(n) && n > 0, {
      description: "a whole number above zero"
    }))),
    nextToken: optional(Schema.String)
  }),
  body: nothing,
  reply: Schema.Struct({
    sessions: Schema.propertySignature(Schema.Array(Schema.Struct({
      sessionId: SessionId,
      sessionStatus: lenient(Schema.String)
    }))).pipe(Schema.fromKey("data")),
    nextToken: lenient(Schema.String),
    maxResults: lenient(Schema.Number),
    total: lenient(Schema.Number).pipe(Schema.fromKey("count"))
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
  query: Schema.Struct({
    sessionId: SessionId,
    labels: Schema.propertySignature(jsonText(SomeLabels)).pipe(Schema.fromKey("Labels"))
  }),
  body: nothing,
  reply: acknowledged,
  retrySafety: "idempotent",
  successRule: "lenient"
})

/**
 * The labels of a session; none is an empty record.
 */
export const getLabel = endpoint({
  name: "getLabel",
  method: "GET",
  path: "/sdk/GetLabel",
  query: Schema.Struct({ sessionId: SessionId }),
  body: nothing,
  reply: Schema.transform(
    Schema.Struct({ data: lenient(Schema.Struct({ labels: lenient(jsonText(Labels)) })) }),
    Schema.typeSchema(Labels),
    { strict: true, decode: ({ data }) => data?.labels ?? {}, encode: (labels) => ({ data: { labels } }) }
  ),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * Where the session can be looked at, and for desktop images what a viewer needs to connect.
 */
export const getMcpResource = endpoint({
  name: "getMcpResource",
  method: "POST",
  path: "/mcp/getMcpResource",
  query: nothing,
  body: sessionBody,
  reply: data(Schema.Struct({
    sessionId: lenient(Schema.String),
    resourceUrl: lenient(Schema.String),
    desktopInfo: lenient(DesktopInfo)
  })),
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
  query: Schema.Struct({ sessionId: SessionId }),
  body: nothing,
  reply: acknowledged,
  retrySafety: "idempotent",
  successRule: "strict"
})

/**
 * A public link to a port of the session.
 */
export const getLink = endpoint({
  name: "getLink",
  method: "GET",
  path: "/internet/getLink",
  query: Schema.Struct({
    sessionId: SessionId,
    protocolType: optional(filled("a protocol such as https or wss")),
    port: optional(numberText.pipe(Schema.filter((n) => Number.isInteger(n) && n >= 30100 && n <= 30199, {
      description: "a whole number from 30100 to 30199"
    })))
  }),
  body: nothing,
  reply: data(Schema.Struct({ url: filled("a URL") })),
  retrySafety: "safe",
  successRule: "strict"
})
