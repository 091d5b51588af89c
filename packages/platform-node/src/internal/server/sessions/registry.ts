/** The sessions of a local runtime: their lookup, idle timeout, lifetime and release. */
import type { ToolReply } from "@effect-agb/core/AgbApi"
import { ApiError, type ReplyFormat, sessionNotFound } from "@effect-agb/core/AgbServer"
import { tools } from "@effect-agb/core/AgbTools"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { ownPass } from "../../sandbox/channel/eventLoopTurns.js"
import type { SandboxLost } from "../../sandbox/channel/protocol.js"
import type { SandboxPool } from "../../sandbox/pool.js"
import { annotateRequest } from "../http/requestContext.js"
import { TimelineBudget } from "../timeline/timeline.js"
import { type LocalSession, type SessionParams, startSession } from "./localSession.js"
import type { ReplyThread } from "./replyThread.js"

export interface RegistryOptions {
  readonly pool: SandboxPool
  readonly replies: ReplyThread
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

const notSaved = (reasons: ReadonlyArray<string>) =>
  new ApiError({
    status: 500,
    code: "SessionContexts.NotSaved",
    message: `the session has ended, but not everything was saved: ${reasons.join("; ")}`.slice(0, 2000)
  })

/** Time for the hooks of a session that nobody has released when the runtime itself ends. */
const shutdownTimeout = "2 seconds"

const awaitShortly = <A>(fiber: Fiber.Fiber<A>): Effect.Effect<unknown> =>
  Effect.timeoutOption(Fiber.await(fiber), shutdownTimeout)

const sessionsPerPass = 16

/** One after the other, in so many passes of the event loop that timers are on time. */
const inPasses = (sessions: ReadonlyArray<LocalSession>, each: (session: LocalSession) => Effect.Effect<unknown>) =>
  Effect.forEach(sessions, (session, index) =>
    index % sessionsPerPass === sessionsPerPass - 1
      ? Effect.zipRight(each(session), Effect.promise(ownPass))
      : each(session), { discard: true })

/** Before the work of ending them begins, so that the kernel ends them meanwhile. */
const killAll = (sessions: ReadonlyArray<LocalSession>): Effect.Effect<void> =>
  inPasses(sessions, ({ sandbox }) => sandbox.killProcesses)

const requireRunning = (session: LocalSession): Effect.Effect<LocalSession, ApiError> =>
  session.status === "RUNNING" ? Effect.succeed(session) : Effect.fail(sessionNotFound(session.sessionId))

/** How many released sessions are remembered until their end was asked for. */
const maxReleased = 1000

const deleted = "it was deleted"

const closeRecords = ({ handed, timeline }: LocalSession): void => {
  timeline.close()
  handed.closeAll()
}

const inParallel = { concurrency: "unbounded", discard: true } as const

/** How many sessions that were not saved are remembered, and for how long. */
const maxUnsaved = 100
const unsavedMillis = 10 * 60_000

interface Unsaved {
  readonly session: LocalSession
  readonly until: number
}

export class SessionRegistry {
  readonly #options: RegistryOptions
  readonly #sessions = new Map<string, LocalSession>()
  /** The fibers that stop sessions, or have; each results in what it could not save. */
  readonly #stops = new WeakMap<LocalSession, Fiber.RuntimeFiber<ReadonlyArray<string>>>()
  /** Those of these fibers that still run: their sessions are in no list any more, but not yet gone. */
  readonly #stopping = new Set<Fiber.RuntimeFiber<ReadonlyArray<string>>>()
  /** Sessions that have ended, in the order of their end. */
  readonly #unsaved = new Map<string, Unsaved>()
  /** Sessions whose release was asked for, and whose end was not reported yet. */
  readonly #released = new Set<string>()
  readonly #timelines = new TimelineBudget()
  #starting = 0
  #serial = 0

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  create(params: SessionParams): Effect.Effect<LocalSession, ApiError> {
    return Effect.uninterruptibleMask((restore) => {
      const { maxSessions, pool, replies } = this.#options
      if (this.#sessions.size + this.#starting >= maxSessions) return Effect.fail(tooManySessions(maxSessions))
      this.#starting += 1
      return startSession(params, () => this.#serial += 1, restore(pool.take), replies, this.#timelines).pipe(
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

  /** A session, even one that has ended lately without being saved. */
  findWithUnsaved(sessionId: string): Effect.Effect<LocalSession, ApiError> {
    return Effect.orElse(this.find(sessionId), () =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const found = this.#unsaved.get(sessionId)
        return found === undefined || found.until <= now
          ? Effect.fail(sessionNotFound(sessionId))
          : Effect.succeed(found.session)
      }))
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
          ({ reason }) => Effect.zipRight(this.#stopAsync(session, reason), sessionLost(session.sessionId, reason))
        ),
      () =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          session.active -= 1
          session.usedAt = now
        })
    )
  }

  /** Releases a session and waits until it is gone. Fails where it could not save everything. */
  release(sessionId: string): Effect.Effect<void, ApiError> {
    return Effect.flatMap(
      Effect.flatMap(this.get(sessionId), (session) => this.#stop(session, deleted)),
      (unsaved) => unsaved.length === 0 ? Effect.void : notSaved(unsaved)
    )
  }

  /** Starts the release of a session; one without hooks is gone at once. */
  releaseAsync(sessionId: string): Effect.Effect<void, ApiError> {
    return Effect.flatMap(this.find(sessionId), (session) => {
      this.#released.add(sessionId)
      for (const oldest of this.#released) {
        if (this.#released.size <= maxReleased) break
        this.#released.delete(oldest)
      }
      return this.#stopAsync(session, deleted)
    })
  }

  /** The status of a session. Who has released it is told once that it has ended; later it is not found. */
  status(sessionId: string): Effect.Effect<LocalSession["status"] | "FINISH", ApiError> {
    return this.find(sessionId).pipe(
      Effect.map(({ status }) => status),
      Effect.catchAll((error) =>
        this.#released.delete(sessionId)
          ? Effect.as(annotateRequest({ sessionId }), "FINISH" as const)
          : Effect.fail(error)
      )
    )
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
        (session) => this.#stopAsync(session, this.#whyExpired(session, now)),
        inParallel
      ))
  }

  /** Begins to stop the sessions that have nothing to do and nothing to save, before the server waits for the others. */
  get stopIdle(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const idle = this.#withoutHooks.filter(({ active }) => active === 0)
      return Effect.zipRight(
        killAll(idle),
        inPasses(idle, (session) => Effect.uninterruptible(this.#beginStop(session)))
      )
    })
  }

  /** Stops all sessions. Those that were released before save to the end, the others have little time. */
  get shutdown(): Effect.Effect<void> {
    const stop = (session: LocalSession) => {
      const wait = this.#stops.has(session) ? Fiber.await : awaitShortly
      return Effect.flatMap(
        this.#beginStop(session),
        (stopping) => Effect.zipRight(Effect.interruptible(wait(stopping)), Fiber.interrupt(stopping))
      )
    }
    return Effect.suspend(() => killAll(this.#withoutHooks)).pipe(
      Effect.zipRight(Effect.suspend(() => Effect.forEach([...this.#sessions.values()], stop, inParallel))),
      Effect.zipRight(Effect.suspend(() => Fiber.awaitAll(this.#stopping)))
    )
  }

  get #withoutHooks(): ReadonlyArray<LocalSession> {
    return [...this.#sessions.values()].filter(({ preStopHooks }) => preStopHooks.length === 0)
  }

  /** From now on the session ends with its sandbox. */
  #add(session: LocalSession): Effect.Effect<void> {
    this.#sessions.set(session.sessionId, session)
    const endWithSandbox = Effect.flatMap(
      session.sandbox.lost,
      ({ reason }) => Effect.forkDaemon(this.#stop(session, reason))
    )
    return Effect.zipRight(
      annotateRequest({ sessionId: session.sessionId }),
      Effect.forkIn(Effect.interruptible(endWithSandbox), session.scope)
    )
  }

  #remove(session: LocalSession): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.suspend(() =>
        this.#sessions.delete(session.sessionId)
          ? Effect.ensuring(Scope.close(session.scope, Exit.void), Effect.sync(() => closeRecords(session)))
          : Effect.void
      )
    )
  }

  /** Runs the hooks and removes the session, once, whoever waits for it. An interruption ends the hooks. */
  #beginStop(
    session: LocalSession,
    reason = "the runtime has stopped"
  ): Effect.Effect<Fiber.RuntimeFiber<ReadonlyArray<string>>> {
    return Effect.suspend(() => {
      const stopping = this.#stops.get(session)
      if (stopping !== undefined) return Effect.succeed(stopping)
      session.status = "DELETING"
      session.endReason = reason
      const stop = Effect.gen(this, function*() {
        const unsaved = (yield* Effect.forEach(session.preStopHooks, (hook) => hook)).flat()
        if (unsaved.length > 0) yield* this.#reportUnsaved(session)
        yield* this.#remove(session)
        return unsaved
      })
      return Effect.map(Effect.forkDaemon(Effect.uninterruptible(stop)), (fiber) => {
        this.#stops.set(session, fiber)
        this.#stopping.add(fiber)
        fiber.addObserver(() => this.#stopping.delete(fiber))
        return fiber
      })
    })
  }

  #reportUnsaved(session: LocalSession): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      this.#unsaved.set(session.sessionId, { session, until: now + unsavedMillis })
      for (const [sessionId, { until }] of this.#unsaved) {
        if (until > now && this.#unsaved.size <= maxUnsaved) break
        this.#unsaved.delete(sessionId)
      }
      return Effect.logError(`${session.sessionId} has ended, but not everything in it was saved`)
    })
  }

  /** Waits until the session is gone; the result is what it could not save. It goes on when the wait is interrupted. */
  #stop(session: LocalSession, reason: string): Effect.Effect<ReadonlyArray<string>> {
    return Effect.flatMap(Effect.uninterruptible(this.#beginStop(session, reason)), Fiber.join)
  }

  /** The same, but waits only for a session without hooks. */
  #stopAsync(session: LocalSession, reason: string): Effect.Effect<void> {
    return session.preStopHooks.length === 0
      ? Effect.asVoid(this.#stop(session, reason))
      : Effect.asVoid(Effect.uninterruptible(this.#beginStop(session, reason)))
  }

  #whyExpired({ createdAt }: LocalSession, now: number): string {
    return now - createdAt >= this.#options.maxLifetimeMillis
      ? "it has reached the longest life of a session"
      : "it was not used for its idle timeout"
  }

  #isExpired({ active, createdAt, idleMillis, usedAt }: LocalSession, now: number): boolean {
    return active === 0 && now - usedAt >= idleMillis || now - createdAt >= this.#options.maxLifetimeMillis
  }
}

/** A registry that checks for expired sessions every second, and stops all sessions with the scope. */
export const make = (options: RegistryOptions): Effect.Effect<SessionRegistry, never, Scope.Scope> =>
  Effect.gen(function*() {
    const registry = new SessionRegistry(options)
    yield* Effect.addFinalizer(() => registry.shutdown)
    yield* Effect.forkScoped(Effect.schedule(registry.releaseExpired, Schedule.spaced("1 second")))
    return registry
  })
