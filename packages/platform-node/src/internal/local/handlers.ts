/** What the local runtime answers to each endpoint. */
import { type Handlers, Refusal } from "@effect-agb/core/AgbServer"
import { type ToolName, tools } from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as JSONSchema from "effect/JSONSchema"
import * as Crypto from "node:crypto"
import type { LocalSession, Registry } from "./registry.js"

export interface HandlerOptions {
  readonly registry: Registry
  /** Scheme, host and port under which the runtime is reached. */
  readonly origin: () => string
  /** For sessions that name no idle time. */
  readonly defaultIdleSeconds: number
}

const defaultImage = "code_latest"

const toolServers = Object.values(tools).map(({ name, server }) => ({ name, server }))

const describeTool = (name: ToolName) => {
  const { args, description, server } = tools[name]
  return { name, description, server, tool: name, inputSchema: JSONSchema.make(args as never) }
}

const resourceUrl = (origin: string, { resourceId }: LocalSession): string =>
  `${origin}/resource?resourceId=${resourceId}&authcode=${Crypto.randomBytes(16).toString("hex")}`

const handlesOf = (origin: string, session: LocalSession) => ({
  sessionId: session.sessionId,
  appInstanceId: session.appInstanceId,
  resourceId: session.resourceId,
  resourceUrl: resourceUrl(origin, session),
  toolList: toolServers
})

const matches = (wanted: Readonly<Record<string, string>>) => ({ labels }: LocalSession): boolean =>
  Object.entries(wanted).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)

const badToken = new Refusal({ status: 400, code: "InvalidParameter", message: "nextToken is not one of this list" })

const noLinks = new Refusal({
  status: 400,
  code: "Link.Unavailable",
  message: "the local runtime gives no links into a session: nothing in it can be reached from outside"
})

/** The token names the first session of the next page by its serial, so that deletions in between do no harm. */
const page = (found: ReadonlyArray<LocalSession>, maxResults: number, nextToken: string) => {
  const from = nextToken === "" ? 0 : Number(nextToken)
  if (!Number.isSafeInteger(from)) return badToken
  const rest = found.filter(({ serial }) => serial >= from)
  return Effect.succeed({
    sessions: rest.slice(0, maxResults).map(({ sessionId }) => ({ sessionId, sessionStatus: "RUNNING" })),
    nextToken: String(rest[maxResults]?.serial ?? ""),
    maxResults,
    total: found.length
  })
}

export const make = ({ defaultIdleSeconds, origin, registry }: HandlerOptions): Handlers => ({
  createSession: ({ imageId = defaultImage, labels = {}, timeout = defaultIdleSeconds }) =>
    Effect.map(
      registry.create({ imageId, labels, idleSeconds: timeout === 0 ? defaultIdleSeconds : timeout }),
      (session) => handlesOf(origin(), session)
    ),
  releaseSession: ({ sessionId }) => registry.release(sessionId),
  releaseSessionAsync: ({ sessionId }) => registry.release(sessionId),
  getSession: ({ sessionId }) =>
    Effect.map(registry.get(sessionId), (session) => ({
      ...handlesOf(origin(), session),
      status: "RUNNING",
      success: true
    })),
  getSessionInfo: ({ sessionId }) => Effect.as(registry.get(sessionId), { status: "RUNNING" }),
  ListSession: ({ labels = {}, maxResults = 10, nextToken = "" }) =>
    Effect.flatMap(registry.all, (all) => page(all.filter(matches(labels)), maxResults, nextToken)),
  SetLabel: ({ labels, sessionId }) =>
    Effect.map(registry.use(sessionId), (session) => {
      session.labels = labels
    }),
  GetLabel: ({ sessionId }) => Effect.map(registry.use(sessionId), ({ labels }) => labels),
  getMcpResource: ({ sessionId }) =>
    Effect.map(registry.use(sessionId), (session) => ({ sessionId, resourceUrl: resourceUrl(origin(), session) })),
  refreshSessionIdleTime: ({ sessionId }) => Effect.asVoid(registry.use(sessionId)),
  listTools: () => Effect.sync(() => (Object.keys(tools) as Array<ToolName>).map(describeTool)),
  callTool: ({ args, name, sessionId }) =>
    Effect.map(registry.callTool(sessionId, name, args), (reply) => ({ data: reply })),
  getLink: ({ sessionId }) => Effect.flatMap(registry.use(sessionId), () => noLinks)
})
