/** Operations of the promise API on a whole session. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { DesktopInfo, Labels, ToolDescription } from "../../../AgbApi.js"
import type * as sessions from "../../session/session.js"
import { conceal } from "../../wire/text/concealed.js"
import * as operations from "../operation.js"
import * as results from "../results.js"

/**
 * The URL to view a session and, for desktop images, the connection parameters of the viewer; absent if the server does not
 * report them. The URL, `authCode`, `connectionProperties` and `ticket` are credentials: they are fields like the others, but not
 * enumerable, so that printing the object or a copy of it does not show them.
 */
export interface SessionInfo {
  readonly sessionId: string
  /** URL to view the session, or empty. */
  readonly resourceUrl: string
  readonly appId?: string
  readonly authCode?: string
  readonly connectionProperties?: string
  readonly resourceId?: string
  readonly resourceType?: string
  readonly ticket?: string
}

const plainDesktop = ({ authCode, connectionProperties, ticket, ...rest }: DesktopInfo) => ({
  ...rest,
  ...(connectionProperties === undefined ? {} : { connectionProperties }),
  ...(authCode === undefined ? {} : { authCode: Redacted.value(authCode) }),
  ...(ticket === undefined ? {} : { ticket: Redacted.value(ticket) })
})

const plain = ({ desktop, resourceUrl, sessionId }: sessions.SessionInfo): SessionInfo =>
  conceal<SessionInfo>({
    sessionId,
    resourceUrl,
    ...Option.match(desktop, { onNone: () => ({}), onSome: plainDesktop })
  }, ["resourceUrl", "authCode", "connectionProperties", "ticket"])

export const info = operations.make(
  "Session.info",
  {},
  results.data<SessionInfo>(),
  ({ info }: sessions.Session) => Effect.map(info, plain)
)

export const expiresAt = operations.make(
  "Session.expiresAt",
  {},
  results.data<Date | undefined>(),
  ({ expiresAt }: sessions.Session) => Effect.map(expiresAt, Option.getOrUndefined)
)

export const getLink = operations.make(
  "Session.getLink",
  { protocolType: Schema.optional(Schema.String), port: Schema.optional(Schema.Number) },
  results.data<string>(),
  ({ getLink }: sessions.Session, { port, protocolType }) => getLink({ port, protocolType })
)

/** Options of `callTool`, all optional. */
export interface CallToolOptions extends operations.CallOptions {
  /** Time limit of the tool in milliseconds, to which that of a call is added. Default: that of a call alone. */
  readonly timeoutMs?: number | undefined
}

export const callTool = operations.make(
  "Session.callTool",
  {
    name: Schema.String,
    args: Schema.declare((u): u is Readonly<Record<string, unknown>> => Predicate.isRecord(u), {
      description: "an object"
    }),
    timeoutMs: Schema.optional(operations.Millis)
  },
  results.data<string>(),
  ({ callTool }: sessions.Session, { args, name, timeoutMs }) =>
    callTool(name, args, timeoutMs === undefined ? {} : { timeout: Duration.millis(timeoutMs) })
)

export const listTools = operations.make(
  "Session.listTools",
  { imageId: Schema.optional(Schema.String) },
  results.data<ReadonlyArray<ToolDescription>>(),
  ({ listTools }: sessions.Session, { imageId }) => listTools(imageId)
)

export const getStatus = operations.make(
  "Session.status",
  {},
  results.data<string>(),
  ({ status }: sessions.Session) => status
)

export const keepAlive = operations.make(
  "Session.keepAlive",
  {},
  results.done,
  ({ keepAlive }: sessions.Session) => keepAlive
)

export const getLabels = operations.make(
  "Session.getLabels",
  {},
  results.data<Labels>(),
  ({ getLabels }: sessions.Session) => getLabels
)

export const setLabels = operations.make(
  "Session.setLabels",
  { labels: Schema.Record({ key: Schema.String, value: Schema.String }) },
  results.done,
  ({ setLabels }: sessions.Session, { labels }) => setLabels(labels)
)
