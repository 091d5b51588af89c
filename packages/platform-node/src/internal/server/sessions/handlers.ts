/** The handlers of the API endpoints. */
import { cancelAnnouncement, type PersistenceData } from "@effect-agb/core/AgbApi"
import { ApiError, type Handlers, type ReplyFormat } from "@effect-agb/core/AgbServer"
import {
  browserTools,
  desktopTools,
  fileBytesRoute,
  fileHandover,
  type ToolName,
  tools
} from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as JSONSchema from "effect/JSONSchema"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { LocalSession } from "./localSession.js"
import { paginate } from "./pagination.js"
import type { SessionRegistry } from "./registry.js"

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
  readonly registry: SessionRegistry
  readonly links: {
    /** Opens a link; the result is its URL. */
    readonly open: (session: LocalSession, port: number, protocol: "http" | "ws") => Effect.Effect<string, ApiError>
  }
  readonly pages: {
    /** The address of the page of a session, which works once and lets steer it. */
    readonly address: (session: LocalSession) => Effect.Effect<string>
  }
  readonly contexts: {
    readonly handlers: ContextHandlers
    /** Whether a session can have these mappings. */
    readonly check: (list: ReadonlyArray<PersistenceData>) => Effect.Effect<void, ApiError>
    /** Maps contexts into a new session. */
    readonly attach: (session: LocalSession, list: ReadonlyArray<PersistenceData>) => Effect.Effect<void>
  }
  /** Scheme, host and port by which the client of the current request reaches the server. */
  readonly origin: Effect.Effect<string>
  /** Idle timeout of sessions that ask for none. */
  readonly defaultIdleSeconds: number
}

const defaultImage = "code_latest"

/** The tools, and what else the server can do for clients that know it. Frozen, so that it is encoded once. */
const toolServers = Object.freeze(
  [
    ...Object.values(tools).map(({ name, server }) => ({ name, server })),
    { name: cancelAnnouncement, server: tools.run_code.server },
    { name: fileBytesRoute, server: tools.read_file.server },
    ...(process.platform === "linux" ? [{ name: fileHandover, server: tools.read_file.server }] : [])
  ].map((entry) => Object.freeze(entry))
)

const describeTool = (name: ToolName) => {
  const { args, description, server } = tools[name]
  return { name, description, server, tool: name, inputSchema: JSONSchema.make(Schema.typeSchema(args as never)) }
}

/** Sessions of browser images have a link route too, as in the cloud. */
const hasLink = (imageId: string): boolean => imageId.includes("browser")

/** The addresses of a session's own routes. */
const routesOf = (origin: string, { imageId, sessionId, token }: LocalSession) => ({
  token: Redacted.make(token),
  wsUrl: `${origin.replace("http:", "ws:")}/ws/${sessionId}`,
  ...(hasLink(imageId) ? { linkUrl: `${origin}/link/${sessionId}` } : {})
})

const handlesOf = (origin: string, resourceUrl: string, session: LocalSession) => ({
  ...routesOf(origin, session),
  sessionId: session.sessionId,
  appInstanceId: session.appInstanceId,
  resourceId: session.resourceId,
  resourceUrl,
  toolList: toolServers
})

const matches = (wanted: Readonly<Record<string, string>>) => ({ labels }: LocalSession): boolean =>
  Object.entries(wanted).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)

/** The ports that have links, as in the cloud. */
const isLinked = (port: number): boolean => port >= 30_100 && port <= 30_199

const portNotLinked = new ApiError({
  status: 400,
  code: "InvalidParameter",
  message: "port must be a whole number from 30100 to 30199: a link leads to what listens there in the session"
})

const noBrowser = new ApiError({
  status: 400,
  code: "Browser.Unavailable",
  message: "the local runtime has no browser: sessions offer code, commands and files"
})

/** Clients of version 0.2 exist in Python only, and unlike later ones send no `sdkStats` when they create a session. */
const isV02 = (userAgent = ""): boolean => /^python-(requests|httpx)\b/i.test(userAgent)

/** Clients of version 0.12 and later send `autoGenSession` with every call. */
const replyFormatOf = (autoGenSession: boolean | undefined): ReplyFormat | undefined =>
  autoGenSession === undefined ? undefined : "v0.12"

const unsupportedTool = (name: string): string | undefined => {
  const image = browserTools.includes(name) ? "browser" : desktopTools.includes(name) ? "desktop" : undefined
  return image &&
    `The image of this session does not support ${name}: it needs a ${image} image, and the local runtime offers code, commands and files`
}

/** Tools that need an image which the local runtime lacks are answered with an error that says so. */
export const callTool = (
  registry: SessionRegistry,
  sessionId: string,
  name: string,
  args: unknown,
  format?: ReplyFormat
) => {
  const reason = unsupportedTool(name)
  return reason === undefined
    ? registry.callTool(sessionId, name, args, format)
    : Effect.as(registry.use(sessionId), { content: [{ type: "text", text: reason }], isError: true })
}

type Handler<K extends keyof Handlers> = Pick<Handlers, K>

const lifecycleHandlers = (
  { contexts, defaultIdleSeconds, origin, pages, registry }: HandlerOptions
): Handler<
  "createSession" | "getSession" | "getSessionInfo" | "listSession" | "releaseSession" | "releaseSessionAsync"
> => ({
  createSession: (
    { imageId = defaultImage, labels = {}, persistenceDataList = [], sdkStats, timeout = defaultIdleSeconds },
    { userAgent }
  ) =>
    Effect.flatMap(
      Effect.zipRight(
        contexts.check(persistenceDataList),
        registry.create({
          imageId,
          labels,
          idleSeconds: timeout === 0 ? defaultIdleSeconds : timeout,
          replyFormat: sdkStats === undefined && isV02(userAgent) ? "v0.2" : "v0.12"
        })
      ),
      (session) =>
        Effect.zipWith(
          Effect.zipRight(contexts.attach(session, persistenceDataList), origin),
          pages.address(session),
          (origin, url) => ({ ...handlesOf(origin, url, session), success: true })
        )
    ),
  releaseSession: ({ sessionId }) => registry.release(sessionId),
  releaseSessionAsync: ({ sessionId }) => registry.releaseAsync(sessionId),
  getSession: ({ sessionId }) =>
    Effect.flatMap(
      registry.find(sessionId),
      (session) =>
        Effect.zipWith(origin, pages.address(session), (origin, url) => ({
          ...handlesOf(origin, url, session),
          status: session.status,
          success: true
        }))
    ),
  getSessionInfo: ({ sessionId }) => Effect.map(registry.status(sessionId), (status) => ({ status })),
  listSession: ({ labels = {}, ...page }) =>
    Effect.flatMap(registry.running, (all) => paginate(all.filter(matches(labels)), page)).pipe(
      Effect.map(({ items, ...page }) => ({
        sessions: items.map(({ sessionId }) => ({ sessionId, sessionStatus: "RUNNING" as const })),
        ...page
      }))
    )
})

export const make = (options: HandlerOptions): Handlers => {
  const { contexts, links, pages, registry } = options
  return {
    ...contexts.handlers,
    ...lifecycleHandlers(options),
    setLabel: ({ labels, sessionId }) =>
      Effect.map(registry.use(sessionId), (session) => {
        session.labels = labels
      }),
    getLabel: ({ sessionId }) => Effect.map(registry.use(sessionId), ({ labels }) => labels),
    getMcpResource: ({ sessionId }) =>
      Effect.map(
        Effect.flatMap(registry.use(sessionId), pages.address),
        (resourceUrl) => ({ sessionId, resourceUrl })
      ),
    refreshSessionIdleTime: ({ sessionId }) => Effect.asVoid(registry.use(sessionId)),
    listTools: () => Effect.sync(() => (Object.keys(tools) as Array<ToolName>).map(describeTool)),
    callTool: ({ args, autoGenSession, name, sessionId }) =>
      Effect.map(
        callTool(registry, sessionId, name, args, replyFormatOf(autoGenSession)),
        (reply) => ({ data: reply })
      ),
    initBrowser: ({ sessionId }) => Effect.flatMap(registry.use(sessionId), () => noBrowser),
    getCdpLink: ({ sessionId }) => Effect.flatMap(registry.use(sessionId), () => noBrowser),
    getLink: ({ port, protocolType = "https", sessionId }) =>
      Effect.flatMap(registry.use(sessionId), (session) => {
        if (port === undefined) return Effect.map(pages.address(session), (url) => ({ url }))
        return isLinked(port)
          ? Effect.map(links.open(session, port, /^wss?$/i.test(protocolType) ? "ws" : "http"), (url) => ({ url }))
          : Effect.fail(portNotLinked)
      })
  }
}
