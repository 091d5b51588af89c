/** The sessions of a local runtime: their lookup, idle timeout, lifetime and release. */
import type { ToolReply } from "@effect-agb/core/AgbApi"
import { ApiError, type ReplyFormat, sessionNotFound } from "@effect-agb/core/AgbServer"
import { tools } from "@effect-agb/core/AgbTools"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { SandboxLost } from "../../sandbox/channel/protocol.js"
import type { SandboxPool } from "../../sandbox/pool.js"
import { annotateRequest } from "../http/requestContext.js"
import { type LocalSession, type SessionParams, startSession } from "./localSession.js"

export interface RegistryOptions {
  readonly pool: SandboxPool
  readonly maxSessions: number
  /** Maximum age of a session, even one in use. */
  readonly maxLifetimeMillis: number
}

const tooManySessions = (limit: number) =>
  new ApiError({ status: 429, code: "Throttling.Sessions", message: `this runtime keeps at most ${limit} sessions` })

const startFailed = ({ message }: { readonly message: string }) =>
  new ApiError({ status: 500, code: "SandboxStartFailed", message })

/** Like `sessionNotFound`, with the reason, for the call during which the session was lost. */
const sessionLost = (sessionId: string, reason: string) => {
  const { code, message, status } = sessionNotFound(sessionId)
  return new ApiError({ status, code, message: `${message} It has ended: ${reason}.` })
}

const hookTimeouts = { release: "30 seconds", shutdown: "2 seconds" } as const

/** A hook that fails or takes too long is logged, and does not delay the stop further. */
const runPreStopHooks = ({ preStopHooks, sessionId }: LocalSession, timeout: Duration.DurationInput) =>
  Effect.forEach(preStopHooks, (hook) => hook, { concurrency: "unbounded", discard: true }).pipe(
    Effect.interruptible,
    Effect.timeoutFail({ duration: timeout, onTimeout: () => new Cause.TimeoutException() }),
    Effect.catchAllCause((cause) => Effect.logWarning(`The pre-stop hooks of ${sessionId} did not complete`, cause))
  )

const requireRunning = (session: LocalSession): Effect.Effect<LocalSession, ApiError> =>
  session.status === "RUNNING" ? Effect.succeed(session) : Effect.fail(sessionNotFound(session.sessionId))

const inParallel = { concurrency: "unbounded", discard: true } as const

export class SessionRegistry {
  readonly #options: RegistryOptions
  readonly #scope: Scope.Scope
  readonly #sessions = new Map<string, LocalSession>()
  #starting = 0
  #serial = 0

  /** Releases that run in the background end with `scope`. */
  constructor(options: RegistryOptions, scope: Scope.Scope) {
    this.#options = options
    this.#scope = scope
  }

  create(params: SessionParams): Effect.Effect<LocalSession, ApiError> {
    return Effect.uninterruptibleMask((restore) => {
      const { maxSessions, pool } = this.#options
      if (this.#sessions.size + this.#starting >= maxSessions) return Effect.fail(tooManySessions(maxSessions))
      this.#starting += 1
      return startSession(params, () => this.#serial += 1, restore(pool.take)).pipe(
        Effect.mapError(startFailed),
        Effect.tap((session) => this.#add(session)),
        Effect.ensuring(Effect.sync(() => {
          this.#starting -= 1
        }))
      )
    })
  }

  /** A session, even one that is being released. Does not count as use. */
  find(sessionId: string): Effect.Effect<LocalSession, ApiError> {
    return Effect.suspend(() => {
      const session = this.#sessions.get(sessionId)
      return session === undefined
        ? Effect.fail(sessionNotFound(sessionId))
        : Effect.as(annotateRequest({ sessionId }), session)
    })
  }

  /** A running session. Does not count as use. */
  get(sessionId: string): Effect.Effect<LocalSession, ApiError> {
    return Effect.flatMap(this.find(sessionId), requireRunning)
  }

  /** A running session, whose idle time starts anew. */
  use(sessionId: string): Effect.Effect<LocalSession, ApiError> {
    return Effect.zipWith(this.get(sessionId), Clock.currentTimeMillis, (session, now) => {
      session.usedAt = now
      return session
    })
  }

  callTool(
    sessionId: string,
    name: string,
    args: unknown,
    format?: ReplyFormat
  ): Effect.Effect<ToolReply, ApiError> {
    return Effect.flatMap(
      Effect.zipLeft(this.use(sessionId), annotateRequest(Object.hasOwn(tools, name) ? { tool: name } : {})),
      (session) => this.whileActive(session, session.callTool(name, args, format ?? session.replyFormat))
    )
  }

  /** Runs `work` and keeps the session from idling meanwhile. If its sandbox is lost, so is the session. */
  whileActive<A>(session: LocalSession, work: Effect.Effect<A, SandboxLost | ApiError>): Effect.Effect<A, ApiError> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        session.active += 1
      }),
      () =>
        Effect.catchTag(
          work,
          "SandboxLost",
          ({ reason }) => Effect.zipRight(this.#remove(session), sessionLost(session.sessionId, reason))
        ),
      () =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          session.active -= 1
          session.usedAt = now
        })
    )
  }

  /** Releases a session and waits until it is gone. */
  release(sessionId: string): Effect.Effect<void, ApiError> {
    return Effect.flatMap(this.get(sessionId), (session) => this.#stop(session, hookTimeouts.release))
  }

  /** Starts the release of a session; one without hooks is gone at once. */
  releaseAsync(sessionId: string): Effect.Effect<void, ApiError> {
    return Effect.flatMap(this.find(sessionId), (session) => this.#stopAsync(session))
  }

  /** The running sessions in the order of their creation. */
  get running(): Effect.Effect<ReadonlyArray<LocalSession>> {
    return Effect.sync(() => [...this.#sessions.values()].filter(({ status }) => status === "RUNNING"))
  }

  /** Releases the sessions that are idle or too old. */
  get releaseExpired(): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.forEach(
        [...this.#sessions.values()].filter((session) => this.#isExpired(session, now)),
        (session) => this.#stopAsync(session),
        inParallel
      ))
  }

  /** Stops all sessions, with little time for their hooks. */
  get shutdown(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach([...this.#sessions.values()], (session) => this.#stop(session, hookTimeouts.shutdown), inParallel)
    )
  }

  /** From now on the session ends with its sandbox. */
  #add(session: LocalSession): Effect.Effect<void> {
    this.#sessions.set(session.sessionId, session)
    const endWithSandbox = Effect.zipRight(session.sandbox.lost, Effect.forkDaemon(this.#remove(session)))
    return Effect.zipRight(
      annotateRequest({ sessionId: session.sessionId }),
      Effect.forkIn(Effect.interruptible(endWithSandbox), session.scope)
    )
  }

  #remove(session: LocalSession): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.suspend(() =>
        this.#sessions.delete(session.sessionId) ? Scope.close(session.scope, Exit.void) : Effect.void
      )
    )
  }

  #stop(session: LocalSession, hookTimeout: Duration.DurationInput): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (session.status === "DELETING") return Effect.void
      session.status = "DELETING"
      return Effect.ensuring(
        session.preStopHooks.length === 0 ? Effect.void : runPreStopHooks(session, hookTimeout),
        this.#remove(session)
      )
    })
  }

  #stopAsync(session: LocalSession): Effect.Effect<void> {
    const stop = this.#stop(session, hookTimeouts.release)
    return session.preStopHooks.length === 0 ? stop : Effect.asVoid(Effect.forkIn(stop, this.#scope))
  }

  #isExpired({ active, createdAt, idleMillis, usedAt }: LocalSession, now: number): boolean {
    return active === 0 && now - usedAt >= idleMillis || now - createdAt >= this.#options.maxLifetimeMillis
  }
}

/** A registry that checks for expired sessions every second, and stops all sessions with the scope. */
export const make = (options: RegistryOptions): Effect.Effect<SessionRegistry, never, Scope.Scope> =>
  Effect.gen(function*() {
    const registry = new SessionRegistry(options, yield* Effect.scope)
    yield* Effect.addFinalizer(() => registry.shutdown)
    yield* Effect.forkScoped(Effect.schedule(registry.releaseExpired, Schedule.spaced("1 second")))
    return registry
  })
