/** What the backend answers to each endpoint. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as AgbApi from "../../../AgbApi.js"
import { type Handlers, sessionNotFound } from "../../../AgbServer.js"
import { fileBytesRoute, tools } from "../../../AgbTools.js"
import { cancelAnnouncement } from "../../wire/frames.js"
import type { MemoryContexts } from "./contexts.js"
import { endpoint, secrets } from "./secrets.js"
import type { MemorySession, Sessions } from "./sessions.js"

const described = Object.values(tools).map(({ description, name, server }) => ({ name, description, server }))

const named = described.map(({ name, server }) => ({ name, server }))

/** What a session offers beside the API. */
const beside = [
  { name: fileBytesRoute, server: tools.read_file.server },
  { name: cancelAnnouncement, server: tools.run_code.server }
]

const socketBase = `${endpoint.replace("https:", "wss:")}/ws/`

/** The session of a WebSocket. */
export const sessionIdOf = (wsUrl: string): string => wsUrl.slice(socketBase.length)

const handlesOf = ({ sessionId }: MemorySession, isApiOnly: boolean) => ({
  sessionId,
  resourceUrl: `${endpoint}/resource?id=${sessionId}&authcode=${secrets.access}`,
  token: Redacted.make(secrets.token),
  ...(isApiOnly ? { toolList: named } : { wsUrl: socketBase + sessionId, toolList: [...named, ...beside] })
})

const carries = (wanted: AgbApi.Labels) => ({ labels }: MemorySession): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value)

const pageOf = (found: ReadonlyArray<MemorySession>, maxResults: number, nextToken: string) => {
  const rest = found.filter(({ serial }) => serial >= Number(nextToken))
  return {
    sessions: rest.slice(0, maxResults).map(({ sessionId }) => ({ sessionId, sessionStatus: "RUNNING" })),
    nextToken: String(rest[maxResults]?.serial ?? ""),
    maxResults,
    total: found.length
  }
}

export interface HandlersOptions {
  readonly sessions: Sessions
  readonly contexts: MemoryContexts
  readonly isApiOnly: boolean
}

const finding = (
  { isApiOnly, sessions }: HandlersOptions
): Pick<Handlers, "getSession" | "getSessionInfo" | "listSession" | "getMcpResource"> => ({
  getSession: ({ sessionId }) =>
    Effect.map(sessions.get(sessionId), (session) => ({
      ...handlesOf(session, isApiOnly),
      status: "RUNNING",
      success: true
    })),
  getSessionInfo: ({ sessionId }) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const status = sessions.status(sessionId, now)
      return status === undefined ? sessionNotFound(sessionId) : Effect.succeed({ status })
    }),
  listSession: ({ labels = {}, maxResults = 10, nextToken = "0" }) =>
    Effect.sync(() => pageOf(sessions.live.filter(carries(labels)), maxResults, nextToken)),
  getMcpResource: ({ sessionId }) =>
    Effect.map(sessions.use(sessionId), (session) => ({
      sessionId,
      resourceUrl: handlesOf(session, isApiOnly).resourceUrl,
      desktopInfo: {
        appId: "app",
        authCode: Redacted.make(secrets.authCode),
        connectionProperties: secrets.connection,
        ticket: Redacted.make(secrets.ticket)
      }
    }))
})

export const make = (options: HandlersOptions): Partial<Handlers> => {
  const { contexts, isApiOnly, sessions } = options
  const release = (sessionId: string) =>
    Effect.zipRight(
      Effect.zipWith(
        sessions.get(sessionId),
        Clock.currentTimeMillis,
        (session, now) => contexts.release(session, now)
      ),
      sessions.release(sessionId)
    )
  return {
    ...finding(options),
    ...contexts.handlers((sessionId) => sessions.get(sessionId)),
    createSession: ({ imageId = "", labels = {}, persistenceDataList = [], timeout = 300 }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const session = sessions.create({ imageId, labels, idleSeconds: timeout }, now)
        contexts.mount(session, persistenceDataList, now)
        return handlesOf(session, isApiOnly)
      }),
    releaseSession: ({ sessionId }) => release(sessionId),
    releaseSessionAsync: ({ sessionId }) => release(sessionId),
    setLabel: ({ labels, sessionId }) =>
      Effect.map(sessions.use(sessionId), (session) => {
        session.labels = labels
      }),
    getLabel: ({ sessionId }) => Effect.map(sessions.use(sessionId), ({ labels }) => labels),
    refreshSessionIdleTime: ({ sessionId }) => Effect.asVoid(sessions.use(sessionId)),
    listTools: () => Effect.succeed(described),
    callTool: ({ args, name, sessionId }) =>
      Effect.flatMap(
        sessions.use(sessionId),
        (session) => Effect.map(sessions.machineOf(session).callTool(name, args), (data) => ({ data }))
      ),
    getLink: ({ port = 443, protocolType = "https", sessionId }) =>
      Effect.as(sessions.use(sessionId), { url: `${protocolType}://${sessionId}.agb.test:${port}/` })
  }
}
