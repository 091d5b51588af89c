/** What the fake answers to each endpoint: sessions that live until they are released or idle for too long. */
import { type AgbApi, AgbServer, AgbTools } from "@effect-agb/core"
import { Clock, Effect, Redacted } from "effect"
import type { FakeContexts } from "./fakeContexts.js"
import { type Files, makeFiles } from "./fakeFiles.js"
import type { Ledger } from "./ledger.js"
import { makePrograms } from "./programs.js"

interface FakeSession {
  readonly sessionId: string
  readonly serial: number
  readonly idleMillis: number
  readonly callTool: (name: string, args: unknown) => Effect.Effect<AgbApi.ToolReply>
  readonly files: () => Files
  labels: AgbApi.Labels
  usedAt: number
}

const metrics = {
  cpuCount: 2,
  cpuUsedPct: 1.5,
  diskTotal: 2 ** 30,
  diskUsed: 4096,
  memTotal: 2 ** 31,
  memUsed: 2 ** 20,
  rxRateKbytePerS: 0,
  txRateKbytePerS: 0,
  rxUsedKbyte: 0,
  txUsedKbyte: 0,
  timestamp: "2026-01-01T00:00:00Z"
}

/** The tools of a session are made when it is first used. */
const lazyTools = (): Pick<FakeSession, "callTool" | "files"> => {
  let tools: FakeSession["callTool"] | undefined
  let made: Files | undefined
  const filesOf = () => made ??= makeFiles()
  const makeAll = () => {
    const files = filesOf()
    const handlers: AgbServer.ToolHandlers = {
      ...files.tools,
      ...makePrograms(files),
      get_metrics: () => Effect.succeed(metrics)
    }
    return AgbServer.makeTools(handlers)
  }
  return { callTool: (name, args) => (tools ??= makeAll())(name, args), files: filesOf }
}

class Sessions {
  private readonly live = new Map<string, FakeSession>()
  /** Released sessions and when they are gone. */
  private readonly leaving = new Map<string, number>()
  private serial = 0
  private readonly ledger: Ledger
  private readonly deletingMillis: number

  constructor(ledger: Ledger, deletingMillis: number) {
    this.ledger = ledger
    this.deletingMillis = deletingMillis
  }

  get all(): ReadonlyArray<FakeSession> {
    return [...this.live.values()]
  }

  create(labels: AgbApi.Labels, idleSeconds: number, now: number): FakeSession {
    const serial = this.serial += 1
    const sessionId = `s-${String(serial).padStart(6, "0")}`
    const session = { sessionId, serial, labels, idleMillis: idleSeconds * 1000, usedAt: now, ...lazyTools() }
    this.live.set(sessionId, session)
    this.ledger.create(sessionId)
    return session
  }

  status(sessionId: string, now: number): "RUNNING" | "DELETING" | undefined {
    if (this.live.has(sessionId)) return "RUNNING"
    return (this.leaving.get(sessionId) ?? 0) > now ? "DELETING" : undefined
  }

  get(sessionId: string): Effect.Effect<FakeSession, AgbServer.ApiError> {
    const session = this.live.get(sessionId)
    return session === undefined ? AgbServer.sessionNotFound(sessionId) : Effect.succeed(session)
  }

  use(sessionId: string): Effect.Effect<FakeSession, AgbServer.ApiError> {
    return Effect.zipWith(this.get(sessionId), Clock.currentTimeMillis, (session, now) => {
      session.usedAt = now
      return session
    })
  }

  release(sessionId: string): Effect.Effect<void, AgbServer.ApiError> {
    return Effect.zipWith(this.get(sessionId), Clock.currentTimeMillis, (_, now) => {
      this.live.delete(sessionId)
      this.leaving.set(sessionId, now + this.deletingMillis)
      this.ledger.deleted.push(sessionId)
    })
  }

  expire(now: number): void {
    for (const { idleMillis, sessionId, usedAt } of this.all) {
      if (now - usedAt < idleMillis) continue
      this.live.delete(sessionId)
      this.ledger.idledOut.push(sessionId)
    }
  }
}

const carries = (wanted: AgbApi.Labels) => ({ labels }: FakeSession): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value)

/** What a session hands out that nobody else may see. */
export const secrets = {
  token: "token-secret-4f1c",
  access: "access-secret-9a2e",
  authCode: "authcode-secret-77b0",
  connection: "connection-secret-1d55",
  ticket: "ticket-secret-c3d8"
}

const handlesOf = ({ sessionId }: FakeSession) => ({
  sessionId,
  resourceUrl: `https://fake.example/resource?id=${sessionId}&authcode=${secrets.access}`,
  token: Redacted.make(secrets.token),
  toolList: Object.values(AgbTools.tools).map(({ name, server }) => ({ name, server }))
})

const pageOf = (found: ReadonlyArray<FakeSession>, maxResults: number, nextToken: string) => {
  const rest = found.filter(({ serial }) => serial >= Number(nextToken))
  return {
    sessions: rest.slice(0, maxResults).map(({ sessionId }) => ({ sessionId, sessionStatus: "RUNNING" })),
    nextToken: String(rest[maxResults]?.serial ?? ""),
    maxResults,
    total: found.length
  }
}

const descriptions = Object.values(AgbTools.tools).map(({ description, name, server }) => ({
  name,
  description,
  server
}))

const statusHandlers = (sessions: Sessions): Pick<AgbServer.Handlers, "getSession" | "getSessionInfo"> => ({
  getSession: ({ sessionId }) =>
    Effect.map(sessions.get(sessionId), (session) => ({ ...handlesOf(session), status: "RUNNING", success: true })),
  getSessionInfo: ({ sessionId }) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const status = sessions.status(sessionId, now)
      return status === undefined ? AgbServer.sessionNotFound(sessionId) : Effect.succeed({ status })
    })
})

/** The handlers, and what ends the sessions that were idle for too long. */
export const makeHandlers = (
  ledger: Ledger,
  deletingMillis: number,
  contexts: FakeContexts
): { readonly handlers: Partial<AgbServer.Handlers>; readonly expire: Effect.Effect<void> } => {
  const sessions = new Sessions(ledger, deletingMillis)
  const saved = (sessionId: string) =>
    Effect.zipWith(sessions.get(sessionId), Clock.currentTimeMillis, (session, now) => contexts.release(session, now))
  const handlers: Partial<AgbServer.Handlers> = {
    ...statusHandlers(sessions),
    ...contexts.handlers((sessionId) => sessions.get(sessionId)),
    createSession: ({ labels = {}, persistenceDataList = [], timeout = 300 }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const session = sessions.create(labels, timeout, now)
        contexts.mount(session, persistenceDataList, now)
        return handlesOf(session)
      }),
    releaseSession: ({ sessionId }) => Effect.zipRight(saved(sessionId), sessions.release(sessionId)),
    releaseSessionAsync: ({ sessionId }) => Effect.zipRight(saved(sessionId), sessions.release(sessionId)),
    listSession: ({ labels = {}, maxResults = 10, nextToken = "0" }) =>
      Effect.sync(() => pageOf(sessions.all.filter(carries(labels)), maxResults, nextToken)),
    setLabel: ({ labels, sessionId }) =>
      Effect.map(sessions.use(sessionId), (session) => {
        session.labels = labels
      }),
    getLabel: ({ sessionId }) => Effect.map(sessions.use(sessionId), ({ labels }) => labels),
    getMcpResource: ({ sessionId }) =>
      Effect.map(sessions.use(sessionId), (session) => ({
        sessionId,
        resourceUrl: handlesOf(session).resourceUrl,
        desktopInfo: {
          appId: "app",
          authCode: Redacted.make(secrets.authCode),
          connectionProperties: secrets.connection,
          ticket: Redacted.make(secrets.ticket)
        }
      })),
    refreshSessionIdleTime: ({ sessionId }) => Effect.asVoid(sessions.use(sessionId)),
    listTools: () => Effect.succeed(descriptions),
    callTool: ({ args, name, sessionId }) =>
      Effect.flatMap(
        sessions.use(sessionId),
        (session) => Effect.map(session.callTool(name, args), (data) => ({ data }))
      ),
    getLink: ({ port = 443, protocolType = "https", sessionId }) =>
      Effect.as(sessions.use(sessionId), { url: `${protocolType}://${sessionId}.fake.example:${port}/` })
  }
  return { handlers, expire: Effect.map(Clock.currentTimeMillis, (now) => sessions.expire(now)) }
}
