/** What the local runtime answers to each endpoint. */
import type { PersistenceData } from "@effect-agb/core/AgbApi"
import { ApiError, type Handlers, type ReplyFormat } from "@effect-agb/core/AgbServer"
import { browserTools, desktopTools, type ToolName, tools } from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as JSONSchema from "effect/JSONSchema"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import type { LocalSession, Registry } from "./registry.js"

type ContextEndpoint =
  | "listContexts"
  | "getContext"
  | "modifyContext"
  | "deleteContext"
  | "clearContext"
  | "syncContext"
  | "getContextInfo"
  | "getContextFileUploadUrl"
  | "getContextFileDownloadUrl"
  | "describeContextFiles"
  | "deleteContextFile"
  | "getAndLoadInternalContext"

/** The handlers of the context endpoints. */
export type ContextHandlers = Pick<Handlers, ContextEndpoint>

export interface HandlerOptions {
  readonly registry: Registry
  readonly links: {
    /** The URL of a port of the session. */
    readonly open: (session: LocalSession, port: number, protocol: "http" | "ws") => Effect.Effect<string, ApiError>
  }
  readonly contexts: {
    readonly handlers: ContextHandlers
    /** Maps contexts into a new session. */
    readonly attach: (session: LocalSession, list: ReadonlyArray<PersistenceData>) => Effect.Effect<void>
  }
  /** Scheme, host and port under which the runtime is reached. */
  readonly origin: Effect.Effect<string>
  /** For sessions that name no idle time. */
  readonly defaultIdleSeconds: number
}

const defaultImage = "code_latest"

const toolServers = Object.values(tools).map(({ name, server }) => ({ name, server }))

const describeTool = (name: ToolName) => {
  const { args, description, server } = tools[name]
  return { name, description, server, tool: name, inputSchema: JSONSchema.make(Schema.typeSchema(args as never)) }
}

const resourceUrl = (origin: string, { resourceId }: LocalSession): string =>
  `${origin}/resource?resourceId=${resourceId}&authcode=${Crypto.randomBytes(16).toString("hex")}`

/** Browser images have a link beside the API, as in the cloud. */
const hasLink = (imageId: string): boolean => imageId.includes("browser")

/** The addresses of a session's own routes. */
const routesOf = (origin: string, { imageId, sessionId, token }: LocalSession) => ({
  token: Redacted.make(token),
  wsUrl: `${origin.replace("http:", "ws:")}/ws/${sessionId}`,
  ...(hasLink(imageId) ? { linkUrl: `${origin}/link/${sessionId}` } : {})
})

const handlesOf = (origin: string, session: LocalSession) => ({
  ...routesOf(origin, session),
  sessionId: session.sessionId,
  appInstanceId: session.appInstanceId,
  resourceId: session.resourceId,
  resourceUrl: resourceUrl(origin, session),
  toolList: toolServers
})

const matches = (wanted: Readonly<Record<string, string>>) => ({ labels }: LocalSession): boolean =>
  Object.entries(wanted).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)

const badToken = new ApiError({ status: 400, code: "InvalidParameter", message: "nextToken is not one of this list" })

const noPort = new ApiError({
  status: 400,
  code: "InvalidParameter",
  message: "port must be named, a whole number from 30100 to 30199: a link leads to what listens there in the session"
})

const noBrowser = new ApiError({
  status: 400,
  code: "Browser.Unavailable",
  message: "the local runtime has no browser: sessions offer code, commands and files"
})

/** The SDK of the first generation (v0.2) was Python's alone. Unlike later ones it says nothing of itself at create. */
const isFirstGeneration = (userAgent = ""): boolean => /^python-(requests|httpx)\b/i.test(userAgent)

/** Later clients also say on every call whether a session may be made for them. */
const formOf = (autoGenSession: boolean | undefined): ReplyFormat | undefined =>
  autoGenSession === undefined ? undefined : "v0.12"

const missing = (name: string): string | undefined => {
  const image = browserTools.includes(name) ? "browser" : desktopTools.includes(name) ? "desktop" : undefined
  return image && `${name} needs a ${image} image, and the local runtime has none: it offers code, commands and files`
}

export const callTool = (registry: Registry, sessionId: string, name: string, args: unknown, form?: ReplyFormat) => {
  const reason = missing(name)
  return reason === undefined
    ? registry.callTool(sessionId, name, args, form)
    : Effect.as(registry.use(sessionId), { content: [{ type: "text", text: reason }], isError: true })
}

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

export const make = ({ contexts, defaultIdleSeconds, links, origin, registry }: HandlerOptions): Handlers => ({
  ...contexts.handlers,
  createSession: (
    { imageId = defaultImage, labels = {}, persistenceDataList = [], sdkStats, timeout = defaultIdleSeconds },
    { userAgent }
  ) =>
    Effect.flatMap(
      registry.create({
        imageId,
        labels,
        idleSeconds: timeout === 0 ? defaultIdleSeconds : timeout,
        form: sdkStats === undefined && isFirstGeneration(userAgent) ? "v0.2" : "v0.12"
      }),
      (session) =>
        Effect.map(
          Effect.zipRight(contexts.attach(session, persistenceDataList), origin),
          (origin) => ({ ...handlesOf(origin, session), success: true })
        )
    ),
  releaseSession: ({ sessionId }) => registry.release(sessionId),
  releaseSessionAsync: ({ sessionId }) => registry.releaseAsync(sessionId),
  getSession: ({ sessionId }) =>
    Effect.zipWith(registry.find(sessionId), origin, (session, origin) => ({
      ...handlesOf(origin, session),
      status: session.status,
      success: true
    })),
  getSessionInfo: ({ sessionId }) => Effect.map(registry.find(sessionId), ({ status }) => ({ status })),
  listSession: ({ labels = {}, maxResults = 10, nextToken = "" }) =>
    Effect.flatMap(registry.all, (all) => page(all.filter(matches(labels)), maxResults, nextToken)),
  setLabel: ({ labels, sessionId }) =>
    Effect.map(registry.use(sessionId), (session) => {
      session.labels = labels
    }),
  getLabel: ({ sessionId }) => Effect.map(registry.use(sessionId), ({ labels }) => labels),
  getMcpResource: ({ sessionId }) =>
    Effect.zipWith(registry.use(sessionId), origin, (session, origin) => ({
      sessionId,
      resourceUrl: resourceUrl(origin, session)
    })),
  refreshSessionIdleTime: ({ sessionId }) => Effect.asVoid(registry.use(sessionId)),
  listTools: () => Effect.sync(() => (Object.keys(tools) as Array<ToolName>).map(describeTool)),
  callTool: ({ args, autoGenSession, name, sessionId }) =>
    Effect.map(callTool(registry, sessionId, name, args, formOf(autoGenSession)), (reply) => ({ data: reply })),
  initBrowser: ({ sessionId }) => Effect.flatMap(registry.use(sessionId), () => noBrowser),
  getCdpLink: ({ sessionId }) => Effect.flatMap(registry.use(sessionId), () => noBrowser),
  getLink: ({ port, protocolType = "https", sessionId }) =>
    Effect.flatMap(registry.use(sessionId), (session) =>
      port === undefined
        ? noPort
        : Effect.map(links.open(session, port, /^wss?$/i.test(protocolType) ? "ws" : "http"), (url) => ({ url })))
})
