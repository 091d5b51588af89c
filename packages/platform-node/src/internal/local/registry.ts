/** The sessions of a local runtime: who lives, since when it is idle, and which labels it carries. */
import type { Labels } from "@effect-agb/core/AgbApi"
import type { ToolReply } from "@effect-agb/core/AgbApi"
import { makeTools, Refusal, sessionNotFound } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import type { SandboxPool } from "../sandbox/sandboxPool.js"
import type { SandboxLost } from "../sandbox/sandboxProtocol.js"
import * as toolHandlers from "./toolHandlers.js"

export interface LocalSession {
  readonly sessionId: string
  /** Counts the sessions of this runtime. */
  readonly serial: number
  readonly imageId: string
  readonly resourceId: string
  readonly appInstanceId: string
  readonly idleMillis: number
  readonly scope: Scope.CloseableScope
  readonly callTool: (name: string, args: unknown) => Effect.Effect<ToolReply, SandboxLost>
  labels: Labels
  usedAt: number
  /** Tool calls in flight: a session at work is not idle. */
  active: number
}

export interface Registry {
  readonly create: (options: {
    readonly imageId: string
    readonly labels: Labels
    readonly idleSeconds: number
  }) => Effect.Effect<LocalSession, Refusal>
  /** A live session; asking does not count as use. */
  readonly get: (sessionId: string) => Effect.Effect<LocalSession, Refusal>
  /** The same, and its idle time starts anew. */
  readonly use: (sessionId: string) => Effect.Effect<LocalSession, Refusal>
  readonly callTool: (sessionId: string, name: string, args: unknown) => Effect.Effect<ToolReply, Refusal>
  readonly release: (sessionId: string) => Effect.Effect<void, Refusal>
  /** Live sessions in the order of their creation. */
  readonly all: Effect.Effect<ReadonlyArray<LocalSession>>
}

export interface RegistryOptions {
  readonly pool: SandboxPool
  readonly maxSessions: number
}

const id = (prefix: string): string => `${prefix}-${Crypto.randomBytes(10).toString("hex")}`

const tooMany = (limit: number) =>
  new Refusal({ status: 429, code: "Throttling.Sessions", message: `this runtime keeps at most ${limit} sessions` })

const notStarted = ({ message }: { readonly message: string }) =>
  new Refusal({ status: 500, code: "SandboxStartFailed", message })

export const make = ({ maxSessions, pool }: RegistryOptions): Effect.Effect<Registry, never, Scope.Scope> =>
  Effect.gen(function*() {
    const sessions = new Map<string, LocalSession>()
    let starting = 0
    let serial = 0

    const get: Registry["get"] = (sessionId) =>
      Effect.suspend(() => {
        const session = sessions.get(sessionId)
        return session === undefined ? Effect.fail(sessionNotFound(sessionId)) : Effect.succeed(session)
      })

    const end = (session: LocalSession) =>
      Effect.suspend(() => sessions.delete(session.sessionId) ? Scope.close(session.scope, Exit.void) : Effect.void)

    const use: Registry["use"] = (sessionId) =>
      Effect.zipWith(get(sessionId), Clock.currentTimeMillis, (session, now) => {
        session.usedAt = now
        return session
      })

    const open = (options: Parameters<Registry["create"]>[0]) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const sandbox = yield* Scope.extend(pool.take, scope).pipe(
          Effect.mapError(notStarted),
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
        const session: LocalSession = {
          sessionId: id("s"),
          serial: serial += 1,
          resourceId: id("p"),
          appInstanceId: id("ai"),
          imageId: options.imageId,
          labels: options.labels,
          idleMillis: options.idleSeconds * 1000,
          scope,
          callTool: makeTools(toolHandlers.make(sandbox)),
          usedAt: yield* Clock.currentTimeMillis,
          active: 0
        }
        sessions.set(session.sessionId, session)
        const endWithSandbox = Effect.zipRight(sandbox.lost, Effect.forkDaemon(end(session)))
        yield* Effect.forkIn(Effect.interruptible(endWithSandbox), scope)
        return session
      })

    const create: Registry["create"] = (options) =>
      Effect.uninterruptible(Effect.suspend(() => {
        if (sessions.size + starting >= maxSessions) return Effect.fail(tooMany(maxSessions))
        starting += 1
        return Effect.ensuring(
          open(options),
          Effect.sync(() => {
            starting -= 1
          })
        )
      }))

    const callTool: Registry["callTool"] = (sessionId, name, args) =>
      Effect.flatMap(use(sessionId), (session) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            session.active += 1
          }),
          () =>
            Effect.catchTag(session.callTool(name, args), "SandboxLost", () =>
              Effect.zipRight(end(session), sessionNotFound(sessionId))),
          () =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              session.active -= 1
              session.usedAt = now
            })
        ))

    const releaseIdle = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.forEach(
        [...sessions.values()].filter(({ active, idleMillis, usedAt }) => active === 0 && now - usedAt >= idleMillis),
        end,
        { concurrency: "unbounded", discard: true }
      ))

    yield* Effect.addFinalizer(() =>
      Effect.forEach([...sessions.values()], end, { concurrency: "unbounded", discard: true })
    )
    yield* Effect.forkScoped(Effect.schedule(releaseIdle, Schedule.spaced("1 second")))

    return {
      create,
      get,
      use,
      callTool,
      release: (sessionId) => Effect.flatMap(get(sessionId), end),
      all: Effect.sync(() => [...sessions.values()])
    }
  })
