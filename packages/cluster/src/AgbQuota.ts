/**
 * The number of sessions that an account may have at once, kept by all runners of a cluster together: who wants one waits, first come first
 * served, and what the service asks one of them by `Retry-After` holds for all.
 *
 * @since 0.1.0
 */
import { Agb } from "@effect-agb/core/Agb"
import type { ClientError } from "@effect-agb/core/AgbError"
import { Interceptor, type Transport } from "@effect-agb/core/Transport"
import * as Entity from "@effect/cluster/Entity"
import type * as Sharding from "@effect/cluster/Sharding"
import * as Rpc from "@effect/rpc/Rpc"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as owners from "./internal/owners.js"
import { lease, Quota } from "./internal/quota.js"

/**
 * Options of a quota.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The most sessions that the account may have at once, however they were created. The same on all runners. */
  readonly maxSessions: number
  /** Tells accounts apart, if one cluster uses several. Default: `default`. */
  readonly account?: string | undefined
}

const ticket = { ticket: Schema.String }

const Line = Entity.make("AgbQuota", [
  Rpc.make("acquire", { payload: { ...ticket, since: Schema.Number }, success: Schema.Boolean }),
  Rpc.make("renew", { payload: ticket }),
  Rpc.make("settle", { payload: { ...ticket, sessionId: Schema.optional(Schema.String) } }),
  Rpc.make("release", { payload: { sessionId: Schema.String } }),
  Rpc.make("pause", { payload: { millis: Schema.Number } })
])

type Client = ReturnType<Effect.Effect.Success<typeof Line.client>>

const line = (agb: Agb.Service, { maxSessions }: Options) =>
  Line.toLayer(
    Effect.gen(function*() {
      const list = Effect.map(Stream.runCollect(agb.list()), Chunk.map(({ sessionId }) => sessionId))
      const quota = new Quota(maxSessions, list, yield* Clock.currentTimeMillis)
      yield* quota.run
      return {
        acquire: ({ payload: { since, ticket } }) => quota.acquire(ticket, since),
        renew: ({ payload }) => quota.renew(payload.ticket),
        settle: ({ payload }) => quota.settle(payload.ticket, payload.sessionId),
        release: ({ payload }) => quota.release(payload.sessionId),
        pause: ({ payload }) => quota.pause(payload.millis)
      }
    }),
    { concurrency: "unbounded", maxIdleTime: Duration.infinity }
  )

/** Tells the entity something. What does not reach it, it learns from its leases and from the list of sessions. */
const tell = (call: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.asVoid(Effect.exit(Effect.timeout(Effect.interruptible(call), "5 seconds")))

/** Asks again until it is granted, also if the entity moves to another runner in between. */
const acquire = (client: Client, ticket: string, since: number): Effect.Effect<void> =>
  Effect.flatMap(Effect.exit(client.acquire({ ticket, since })), (exit) => {
    if (Exit.isSuccess(exit)) return exit.value ? Effect.void : acquire(client, ticket, since)
    return Effect.zipRight(Effect.sleep("1 second"), acquire(client, ticket, since))
  })

/** A failure that leaves no doubt that there is no session. */
const isWithoutSession = ({ mayHaveHappened }: ClientError): boolean => mayHaveHappened !== true

class Permits {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  readonly release = (sessionId: string): Effect.Effect<void> => tell(this.#client.release({ sessionId }))

  /** Creates a session when it may. Of a create in doubt nothing is told: its grant runs out, and the sessions are listed. */
  readonly create = <A extends { readonly sessionId: string }>(
    create: Effect.Effect<A, ClientError>
  ): Effect.Effect<A, ClientError> =>
    Effect.gen(this, function*() {
      const ticket = crypto.randomUUID()
      const settle = (sessionId?: string) => tell(this.#client.settle({ ticket, sessionId }))
      const since = yield* Clock.currentTimeMillis
      yield* Effect.onError(Effect.interruptible(acquire(this.#client, ticket, since)), () => settle())
      return yield* Effect.acquireUseRelease(this.#renewed(ticket), () => create, Fiber.interruptFork).pipe(
        Effect.tap(({ sessionId }) => settle(sessionId)),
        Effect.tapError((error) => this.#failed(error, settle()))
      )
    }).pipe(Effect.uninterruptible)

  readonly #renewed = (ticket: string): Effect.Effect<Fiber.Fiber<never>> =>
    Effect.sleep(Duration.millis(lease / 3)).pipe(
      Effect.zipRight(tell(this.#client.renew({ ticket }))),
      Effect.forever,
      Effect.interruptible,
      Effect.forkDaemon
    )

  #failed(error: ClientError, settle: Effect.Effect<void>): Effect.Effect<void> {
    const millis = error._tag === "RateLimitedError" ? error.retryAfterMillis : undefined
    return Effect.zipRight(
      millis === undefined ? Effect.void : tell(this.#client.pause({ millis })),
      isWithoutSession(error) ? settle : Effect.void
    )
  }
}

/** The deletions of a scope confirm what they deleted when they are done. */
const deletions = (agb: Agb.Service, permits: Permits): Agb.Service["deletions"] => {
  const scopes = new WeakMap<Scope.Scope, Set<string>>()
  return Effect.gen(function*() {
    const scope = yield* Effect.scope
    const created = scopes.get(scope) ?? new Set<string>()
    if (!scopes.has(scope)) {
      scopes.set(scope, created)
      // It was added before that of the deletions, so that it runs after it.
      yield* Scope.addFinalizer(
        scope,
        Effect.suspend(() => Effect.forEach(created, permits.release, { concurrency: 8, discard: true }))
      )
    }
    const inner = yield* agb.deletions
    return {
      ...inner,
      create: (params, options) =>
        Effect.tap(permits.create(inner.create(params, options)), ({ sessionId }) => {
          created.add(sessionId)
        }),
      remove: (sessionId) =>
        Effect.tap(inner.remove(sessionId), () => {
          created.delete(sessionId)
          return permits.release(sessionId)
        })
    }
  })
}

const limited = (agb: Agb.Service, permits: Permits): Agb.Service => ({
  ...agb,
  create: (params, options) => permits.create(agb.create(params, options)),
  // A session that there is already needs no permit, least of all one that counts against it.
  ensure: (owner, params) =>
    Effect.flatMap(
      Stream.runHead(agb.list(owners.ofOwner(owner))),
      (found) => Option.isSome(found) ? agb.ensure(owner, params) : permits.create(agb.ensure(owner, params))
    ),
  delete: (sessionId, options) => Effect.zipLeft(agb.delete(sessionId, options), permits.release(sessionId)),
  deletions: deletions(agb, permits)
})

/** In milliseconds; a header is a number of seconds or a date. */
const delayOf = (header: string, now: number): number =>
  /^\d+$/.test(header) ? Number(header) * 1000 : Math.max(0, (Date.parse(header) || now) - now)

/** Sees what the service asks each attempt of a create, which the client repeats by itself. */
const watching = (pauses: Queue.Enqueue<number>) => (transport: Transport.Service): Transport.Service => ({
  ...transport,
  exchange: (request) =>
    Effect.tap(
      transport.exchange(request),
      ({ headers: { "retry-after": header }, status }) =>
        status === 429 && typeof header === "string" && new URL(request.url).pathname.endsWith("/createSession")
          ? Effect.flatMap(Clock.currentTimeMillis, (now) => pauses.offer(delayOf(header, now)))
          : Effect.void
    )
})

/**
 * Makes every create of an `Agb` wait until the account has less than `maxSessions` sessions, in the order of arrival at all runners. What
 * finds a session that exists, as `ensure` may, does not wait.
 *
 * No permit is lost: the sessions of the account are listed, so that one that ended by itself, or whose runner was killed, is not counted
 * for longer than about half a minute. After a start of the cluster, and after the loss of the runner that counts, nobody gets a session
 * for 15 seconds: creates that are under way by then must tell of themselves.
 *
 * @example
 * ```ts
 * import { AgbQuota } from "@effect-agb/cluster"
 * import { NodeAgb } from "@effect-agb/platform-node"
 *
 * export const agb = AgbQuota.layer(NodeAgb.layerConfig(), { maxSessions: 50 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E, R>(
  agb: Layer.Layer<Agb, E, R>,
  options: Options
): Layer.Layer<Agb, E, R | Sharding.Sharding> =>
  Layer.unwrapScoped(Effect.gen(function*() {
    const pauses = yield* Queue.sliding<number>(16)
    const outer = yield* Effect.serviceOption(Interceptor)
    const watch = watching(pauses)
    const interceptor = Layer.succeed(
      Interceptor,
      Option.match(outer, { onNone: () => watch, onSome: (change) => (own: Transport.Service) => watch(change(own)) })
    )
    const wrapped = Layer.scoped(
      Agb,
      Effect.gen(function*() {
        const client = (yield* Line.client)(options.account ?? "default")
        yield* Effect.forkScoped(
          Effect.forever(Effect.flatMap(pauses.take, (millis) => tell(client.pause({ millis }))))
        )
        return limited(yield* Agb, new Permits(client))
      })
    )
    const host = Layer.unwrapEffect(Effect.map(Agb, (inner) => line(inner, options)))
    return Layer.merge(wrapped, host).pipe(Layer.provide(Layer.provide(agb, interceptor)))
  }))
