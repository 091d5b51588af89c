/** Operations of the promise API on a whole session. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { DesktopInfo, Labels } from "../../AgbApi.js"
import type * as sessions from "../session/session.js"
import * as operations from "./operation.js"
import * as results from "./results.js"

/**
 * The URL to view a session and, for desktop images, the connection parameters of the viewer; absent if the server does not
 * report them. The URL, `authCode` and `ticket` are credentials: do not log them.
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

const plainDesktop = ({ authCode, ticket, ...rest }: DesktopInfo) => ({
  ...rest,
  ...(authCode === undefined ? {} : { authCode: Redacted.value(authCode) }),
  ...(ticket === undefined ? {} : { ticket: Redacted.value(ticket) })
})

const plain = ({ desktop, resourceUrl, sessionId }: sessions.SessionInfo): SessionInfo => ({
  sessionId,
  resourceUrl,
  ...Option.match(desktop, { onNone: () => ({}), onSome: plainDesktop })
})

export const info = operations.make(
  "Session.info",
  {},
  results.data<SessionInfo>(),
  ({ info }: sessions.Session) => Effect.map(info, plain)
)

export const getLink = operations.make(
  "Session.getLink",
  { protocolType: Schema.optional(Schema.String), port: Schema.optional(Schema.Number) },
  results.data<string>(),
  ({ getLink }: sessions.Session, { port, protocolType }) => getLink({ port, protocolType })
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
