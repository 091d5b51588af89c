/** The local runtime assembled: sandbox pool, sessions, contexts, and the HTTP server in front of them. */
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import * as AgbServer from "@effect-agb/core/AgbServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as contextsModule from "./contexts/contexts.js"
import type { ContextLimits } from "./contexts/store/contextStore.js"
import type { ResolvedNetwork } from "./options/networkOption.js"
import { availableLanguages, type Interpreters } from "./sandbox/confine/interpreters.js"
import type { Isolation } from "./sandbox/confine/isolation.js"
import type { SandboxLimits } from "./sandbox/confine/rootfs.js"
import * as javaArchives from "./sandbox/languages/javaArchive.js"
import * as sandboxPools from "./sandbox/pool.js"
import { packageVersion } from "./sandbox/process/packageFolder.js"
import type { Hosts } from "./server/http/hosts.js"
import { serve } from "./server/http/httpServer.js"
import type { LocalServerError } from "./server/http/localServerError.js"
import { requestHost } from "./server/http/requestContext.js"
import { stackFrames } from "./server/http/requestLog.js"
import type { ServerLimits } from "./server/http/serverLimits.js"
import * as sessionPages from "./server/page/pages.js"
import * as pagesRoute from "./server/page/routes/pagesRoute.js"
import * as apiRoute from "./server/routes/apiRoute.js"
import * as fileRoute from "./server/routes/fileRoute.js"
import { route as healthRoute } from "./server/routes/healthRoute.js"
import * as linkGateway from "./server/routes/linkGateway.js"
import * as linkRoute from "./server/routes/linkRoute.js"
import * as webSocketRoute from "./server/routes/webSocketRoute.js"
import * as handlers from "./server/sessions/handlers.js"
import { HandoverKeys } from "./server/sessions/handoverKeys.js"
import * as registries from "./server/sessions/registry.js"
import * as replyThread from "./server/sessions/replyThread.js"

/** Options with their defaults, validated. */
export interface RuntimeSettings {
  readonly apiKey: Redacted.Redacted<string>
  readonly hosts: Hosts
  readonly port: number
  readonly isolation: Isolation
  readonly interpreters: Interpreters
  readonly network: ResolvedNetwork
  readonly poolSize: number
  readonly maxSessions: number
  /** Idle timeout of sessions that ask for none. */
  readonly defaultIdleSeconds: number
  /** `Infinity` for no limit. */
  readonly maxLifetimeSeconds: number
  readonly sandboxLimits: SandboxLimits
  readonly serverLimits: ServerLimits
  readonly contextsDirectory: string | undefined
  readonly contextLimits: ContextLimits
  readonly requestLogLevel: LogLevel.LogLevel
}

const makePool = (settings: RuntimeSettings) =>
  Effect.flatMap(javaArchives.make(settings.interpreters.java), (javaArchive) =>
    sandboxPools.make({
      isolation: settings.isolation,
      interpreters: settings.interpreters,
      limits: settings.sandboxLimits,
      network: settings.network.network,
      egress: settings.network.egress,
      size: settings.poolSize,
      javaArchive
    }))

const factsOf = ({ interpreters, isolation, network, sandboxLimits }: RuntimeSettings) => ({
  isolation: isolation.description,
  hasNetwork: network.network === "host" || network.egress !== undefined,
  languages: availableLanguages(interpreters),
  memoryLimitBytes: sandboxLimits.memoryBytes,
  diskLimitBytes: sandboxLimits.workspaceBytes,
  version: packageVersion(import.meta.url)
})

export interface Started {
  /** By default `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** A new address of the page of the runtime. */
  readonly pageUrl: Effect.Effect<string>
}

/** Listens until the scope ends. */
export const start = (
  settings: RuntimeSettings
): Effect.Effect<Started, ConfigurationError | LocalServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const { defaultIdleSeconds, hosts, requestLogLevel: logLevel, serverLimits: limits } = settings
    const contexts = yield* contextsModule.make({
      directory: settings.contextsDirectory,
      limits: settings.contextLimits,
      origin: Effect.suspend(() => origin),
      sessions: {
        find: (sessionId) => registry.findWithUnsaved(sessionId),
        use: (sessionId) => registry.use(sessionId)
      }
    })
    const replies = yield* replyThread.make
    const registry = yield* registries.make({
      pool: yield* makePool(settings),
      replies,
      maxSessions: settings.maxSessions,
      maxLifetimeMillis: settings.maxLifetimeSeconds * 1000
    })
    const origin: Effect.Effect<string> = Effect.map(requestHost, (name) => hosts.origin(server.port, name))
    const pages: sessionPages.Pages = yield* sessionPages.make({
      registry,
      replies,
      limits,
      facts: factsOf(settings),
      port: (): number => server.port
    })
    const { addresses } = pages
    const apiKey = Redacted.value(settings.apiKey)
    const answer = AgbServer.make(
      handlers.make({
        registry,
        contexts,
        links: linkGateway.make(hosts),
        pages: { address: (session) => addresses.ofSession(session, "steer") },
        origin,
        defaultIdleSeconds
      }),
      (cause) => Effect.logError(`A request met a defect: ${stackFrames(Cause.squash(cause))}`)
    )
    const endUnknown = (sessionId: string) => Effect.ignore(registry.releaseAsync(sessionId))
    const api = apiRoute.make({ apiKey, limits, answer, endUnknown })
    const sockets = webSocketRoute.make({ registry, replies, limits, logLevel })
    const server: { readonly port: number } = yield* serve({
      hosts,
      port: settings.port,
      limits,
      logLevel,
      routes: [
        api,
        healthRoute,
        pagesRoute.make({ apiKey, limits, registry, addresses }),
        contexts.route,
        linkRoute.make({ registry, limits }),
        fileRoute.make(registry, new HandoverKeys())
      ],
      fallback: api,
      site: pages.site,
      onStopping: registry.stopIdle,
      upgrade: sockets.upgrade,
      onStop: Effect.zipRight(sockets.onStop, pages.onStop)
    })
    if (hosts.warning !== undefined) yield* Effect.logWarning(hosts.warning)
    return { origin: hosts.origin(server.port), pageUrl: addresses.ofRuntime("steer") }
  })
