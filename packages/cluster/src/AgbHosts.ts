/**
 * Sessions on machines of your own: runners that host a local runtime, and an `Agb` that places sessions among them by load. A session stays
 * where it was created, and is reached from every runner; with its host it is lost.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import type { EndpointName } from "@effect-agb/core/AgbApi"
import * as AgbApi from "@effect-agb/core/AgbApi"
import * as AgbClient from "@effect-agb/core/AgbClient"
import { AgbConfig } from "@effect-agb/core/AgbConfig"
import { type ClientError, InvalidRequestError, SessionLostError } from "@effect-agb/core/AgbError"
import { fileBytesRoute } from "@effect-agb/core/AgbTools"
import { Transport } from "@effect-agb/core/Transport"
import type * as Sharding from "@effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as hostRegistry from "./internal/hostRegistry.js"
import { type Host, KnownHosts } from "./internal/knownHosts.js"

/**
 * Options of a host.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostOptions {
  /** Tells hosts apart. A runtime that is started again under the same name takes its place. */
  readonly name: string
  /** Where the other runners reach the runtime: `https`, but on the same machine. */
  readonly endpoint: string
}

/**
 * Options of `layer`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The host that keeps contexts, by its name: sessions with contexts are placed there. Its runtime keeps them across restarts if its
   * `contextsDirectory` is on storage that outlives the machine. Default: none, and such sessions are refused.
   */
  readonly contexts?: string | undefined
}

const connect = (config: AgbConfig.Service, transport: Transport.Service) => (endpoint: string) =>
  AgbClient.make.pipe(
    Effect.provideService(AgbConfig, { ...config, endpoint: endpoint.replace(/\/+$/, "") }),
    Effect.provideService(Transport, transport)
  )

const connector = Effect.zipWith(AgbConfig, Transport, connect)

type Method = (request: Readonly<Record<string, unknown>>, options?: AgbClient.CallOptions) => Effect.Effect<
  never,
  ClientError
>

const methodOf = ({ client }: Host, name: EndpointName): Method => client[name] as unknown as Method

/** More than that are looked for again. */
const mostLocations = 100_000

class Router {
  readonly #hosts: KnownHosts
  readonly #contexts: string | undefined
  /** The names of the hosts of sessions. */
  readonly #locations = new Map<string, string>()

  constructor(hosts: KnownHosts, contexts: string | undefined) {
    this.#hosts = hosts
    this.#contexts = contexts
  }

  /** The methods of a client that reaches all hosts. */
  get methods(): Readonly<Record<string, unknown>> {
    return {
      ...Object.fromEntries(
        Object.keys(AgbApi.endpoints).map((name) => [name, this.#method(name as EndpointName)])
      ),
      createSession: this.#create,
      getSession: (...args: Parameters<Method>) => Effect.map(this.#method("getSession")(...args), overApi),
      listSession: this.#list
    }
  }

  #method(name: EndpointName): Method {
    return (request, options) => {
      const { sessionId } = request
      if (typeof sessionId === "string") {
        return this.#inSession(name, sessionId, (host) => methodOf(host, name)(request, options))
      }
      const host = name === "listTools"
        ? Effect.map(this.#hosts.byLoad(name), ([first]) => first as Host)
        : this.#contextHost(name)
      return Effect.flatMap(host, (host) => methodOf(host, name)(request, options))
    }
  }

  #contextHost(operation: string): Effect.Effect<Host, ClientError> {
    return this.#contexts === undefined
      ? new InvalidRequestError({
        operation,
        field: "contexts",
        given: "a context",
        expected: "none, since no host of AgbHosts.layer keeps contexts"
      })
      : this.#hosts.named(operation, this.#contexts)
  }

  #place(host: Host, sessionId: string): void {
    const [oldest] = this.#locations.keys()
    if (this.#locations.size >= mostLocations && oldest !== undefined) this.#locations.delete(oldest)
    this.#locations.set(sessionId, host.name)
  }

  #inSession<A>(
    operation: string,
    sessionId: string,
    call: (host: Host) => Effect.Effect<A, ClientError>
  ): Effect.Effect<A, ClientError> {
    return Effect.flatMap(this.#locate(operation, sessionId), (host) =>
      host === undefined
        ? lost(operation, sessionId, false)
        : this.#hosts.call(host, call(host), () => lost(operation, sessionId, true)))
  }

  /** The host of a session; one that nobody has told of is looked for at all. */
  #locate(operation: string, sessionId: string): Effect.Effect<Host | undefined, ClientError> {
    return Effect.gen(this, function*() {
      const name = this.#locations.get(sessionId)
      if (name !== undefined) return yield* this.#hosts.get(name)
      const found = yield* Effect.forEach(
        yield* this.#hosts.all,
        (host) =>
          this.#hosts.call(host, host.client.getSessionInfo({ sessionId }), () => lost(operation, sessionId, false))
            .pipe(
              Effect.as(host),
              Effect.catchTag("SessionLostError", () => Effect.succeed(undefined))
            ),
        { concurrency: 16 }
      )
      const host = found.find((one) => one !== undefined)
      if (host !== undefined) this.#place(host, sessionId)
      return host
    })
  }

  /** On the host with the fewest sessions that takes one. */
  readonly #create: AgbClient.AgbClient.Methods["createSession"] = (request, options) => {
    const operation = "Session.make"
    const hasContexts = request.contextId !== undefined || (request.persistenceDataList?.length ?? 0) > 0
    const hosts = hasContexts
      ? Effect.map(this.#contextHost(operation), (host): ReadonlyArray<Host> => [host])
      : this.#hosts.byLoad(operation)
    return Effect.flatMap(hosts, ([first, ...rest]) => this.#createOn(first as Host, rest, request, options))
  }

  #createOn(
    host: Host,
    rest: ReadonlyArray<Host>,
    ...args: Parameters<AgbClient.AgbClient.Methods["createSession"]>
  ): ReturnType<AgbClient.AgbClient.Methods["createSession"]> {
    host.sessions += 1
    return host.client.createSession(...args).pipe(
      Effect.tap(({ sessionId }) => Effect.sync(() => this.#place(host, sessionId))),
      Effect.map(overApi),
      Effect.catchAll((error) => {
        const [next, ...others] = rest
        return isElsewhere(error) && next !== undefined ? this.#createOn(next, others, ...args) : Effect.fail(error)
      })
    )
  }

  /** One host after the other, by their names. A token is the name of a host, and its own token. */
  readonly #list: AgbClient.AgbClient.Methods["listSession"] = (request, options) => {
    const [from = "", token = ""] = request.nextToken?.split("\n", 2) ?? []
    return Effect.gen(this, function*() {
      const hosts = (yield* this.#hosts.all).filter(({ name }) => name >= from)
      const [host, next] = hosts
      if (host === undefined) return nothing
      const { nextToken: _, ...query } = request
      const own = host.name === from && token !== "" ? { ...query, nextToken: token } : query
      const listed = this.#hosts.call(host, host.client.listSession(own, options), () => ({ _tag: "Gone" as const }))
      const { nextToken = "", sessions } = yield* Effect.catchTag(listed, "Gone", () => Effect.succeed(nothing))
      for (const { sessionId } of sessions) this.#place(host, sessionId)
      if (nextToken !== "") return { sessions, nextToken: `${host.name}\n${nextToken}` }
      return next === undefined ? { sessions } : { sessions, nextToken: `${next.name}\n` }
    })
  }
}

/**
 * A session without the routes past the API that its host names, but for that of streams: what goes over the API is told when the host is
 * gone. Properties that are hidden from printers are kept.
 */
const overApi = <A extends object>(session: A): A => {
  const copy: { linkUrl?: string; toolList?: ReadonlyArray<{ readonly name: string }> } = Object.create(
    Object.prototype,
    Object.getOwnPropertyDescriptors(session)
  )
  delete copy.linkUrl
  if (copy.toolList !== undefined) copy.toolList = copy.toolList.filter(({ name }) => name !== fileBytesRoute)
  return copy as A
}

/** What there is on a host that is gone. */
const nothing: Effect.Effect.Success<ReturnType<AgbClient.AgbClient.Methods["listSession"]>> = { sessions: [] }

const lost = (operation: string, sessionId: string, mayHaveHappened: boolean): SessionLostError =>
  new SessionLostError({ operation, sessionId, reason: "NotFound", mayHaveHappened })

/** Whether nothing happened, and another host may take the session. */
const isElsewhere = (error: ClientError): boolean =>
  error._tag === "RateLimitedError" || error._tag === "LimitExceededError" ||
  error._tag === "TransportError" && !error.mayHaveHappened

const makeClient = ({ contexts }: Options) =>
  Effect.gen(function*() {
    const connect = yield* connector
    const config = yield* AgbConfig
    const hosts = new KnownHosts(yield* hostRegistry.client, connect)
    yield* hosts.run
    // Its routes to the sessions themselves serve all hosts: their addresses are absolute.
    const client = yield* connect(config.endpoint)
    return Object.assign(client, new Router(hosts, contexts).methods)
  })

/**
 * An `Agb` over all hosts. Of its configuration the key and the deadlines count: all hosts have the same key.
 *
 * A call of a session on a host that is gone fails with `SessionLostError`, and so does one that waits for an answer of that host. A host
 * is gone when it has not told of itself for 15 seconds; until then a connection that fails is not an answer, and the call waits.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Agb.Agb | AgbClient.AgbClient, never, AgbConfig | Transport | Sharding.Sharding> =>
  Layer.scoped(Agb.Agb, Agb.make).pipe(
    Layer.provideMerge(Layer.scoped(AgbClient.AgbClient, makeClient(options))),
    Layer.provide(hostRegistry.layer)
  )

/**
 * Makes the runtime of this runner a host. It tells how many sessions it has for as long as the runtime answers.
 *
 * @example
 * ```ts
 * import { AgbHosts } from "@effect-agb/cluster"
 * import { LocalAgb } from "@effect-agb/platform-node"
 * import { Effect, Layer } from "effect"
 *
 * // `agb.example` leads to port 8600 of this machine, by a proxy for TLS.
 * export const host = AgbHosts.layerHost({ name: "a", endpoint: "https://a.agb.example" }).pipe(
 *   Layer.provide(LocalAgb.layerServer({ host: "0.0.0.0", port: 8600, allowedHosts: ["a.agb.example"], apiKey: "the key of all hosts" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHost = (
  { endpoint, name }: HostOptions
): Layer.Layer<never, never, AgbConfig | Transport | Sharding.Sharding> =>
  Layer.scopedDiscard(Effect.gen(function*() {
    const registry = yield* hostRegistry.client
    const client = yield* Effect.flatMap(connector, (connect) => connect(endpoint))
    const announce = Effect.flatMap(client.listSession({ maxResults: 1 }), ({ sessions, total }) =>
      registry.announce({ name, endpoint, sessions: total ?? sessions.length }))
    yield* announce.pipe(
      Effect.timeout("10 seconds"),
      Effect.catchAllCause((cause) =>
        Effect.logWarning("A host of sessions cannot tell of itself", cause)
      ),
      Effect.zipRight(Effect.sleep(hostRegistry.beat)),
      Effect.forever,
      Effect.forkScoped
    )
  })).pipe(Layer.provide(hostRegistry.layer))
