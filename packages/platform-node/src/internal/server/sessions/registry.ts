/** The sessions of a local runtime: who lives, since when it is idle, and which labels it carries. */
import type { Labels } from "@effect-agb/core/AgbApi"
import type { ToolReply } from "@effect-agb/core/AgbApi"
import { ApiError, makeTools, type ReplyFormat, sessionNotFound } from "@effect-agb/core/AgbServer"
import { tools } from "@effect-agb/core/AgbTools"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import type { SandboxLost } from "../../sandbox/channel/protocol.js"
import type { SandboxPool } from "../../sandbox/pool.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { inSandbox, note } from "../http/requestContext.js"
import * as toolHandlers from "./toolHandlers.js"

export interface LocalSession {
  readonly sessionId: string
  /** Counts the sessions of this runtime. */
  readonly serial: number
  readonly imageId: string
  readonly resourceId: string
  readonly appInstanceId: string
  /** The credential of the link and the WebSocket route. */
  readonly token: string
  /** How the client that created it reads the answers of tools, unless a call says otherwise. */
  readonly form: ReplyFormat
  readonly idleMillis: number
  readonly createdAt: number
  readonly scope: Scope.CloseableScope
  readonly sandbox: Sandbox
  readonly callTool: (name: string, args: unknown, form: ReplyFormat) => Effect.Effect<ToolReply, SandboxLost>
  /** What must be done while the session still works, such as saving its files; it gets a bounded time. */
  readonly beforeRelease: Array<Effect.Effect<void>>
  status: "RUNNING" | "DELETING"
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
    readonly form: ReplyFormat
  }) => Effect.Effect<LocalSession, ApiError>
  /** A session, also while it is being released; asking does not count as use. */
  readonly find: (sessionId: string) => Effect.Effect<LocalSession, ApiError>
  /** A running session; asking does not count as use. */
  readonly get: (sessionId: string) => Effect.Effect<LocalSession, ApiError>
  /** The same, and its idle time starts anew. */
  readonly use: (sessionId: string) => Effect.Effect<LocalSession, ApiError>
  /** `form` says how the answer is written; the form of the session unless said. */
  readonly callTool: (
    sessionId: string,
    name: string,
    args: unknown,
    form?: ReplyFormat
  ) => Effect.Effect<ToolReply, ApiError>
  /** Does something with a session that is at work meanwhile, and so not idle. One that is lost ends with it. */
  readonly atWork: <A>(
    session: LocalSession,
    work: Effect.Effect<A, SandboxLost | ApiError>
  ) => Effect.Effect<A, ApiError>
  /** Releases it and waits until it is gone. */
  readonly release: (sessionId: string) => Effect.Effect<void, ApiError>
  /** Starts the release; a session with nothing left to do is gone at once. */
  readonly releaseAsync: (sessionId: string) => Effect.Effect<void, ApiError>
  /** Running sessions in the order of their creation. */
  readonly all: Effect.Effect<ReadonlyArray<LocalSession>>
}

export interface RegistryOptions {
  readonly pool: SandboxPool
  readonly maxSessions: number
  /** Sessions older than this are released even while they are used. */
  readonly maxLifetimeMillis: number
}

const id = (prefix: string): string => `${prefix}-${Crypto.randomBytes(10).toString("hex")}`

const tooMany = (limit: number) =>
  new ApiError({ status: 429, code: "Throttling.Sessions", message: `this runtime keeps at most ${limit} sessions` })

const notStarted = ({ message }: { readonly message: string }) =>
  new ApiError({ status: 500, code: "SandboxStartFailed", message })

/** Gone while it was at work: the caller learns why. */
const lost = (sessionId: string, reason: string) => {
  const { code, message, status } = sessionNotFound(sessionId)
  return new ApiError({ status, code, message: `${message} It has ended: ${reason}.` })
}

/** What a session may take to save its files before it ends, at a release and when the runtime ends. */
const farewell = { release: "30 seconds", shutdown: "2 seconds" } as const

const running = (session: LocalSession): Effect.Effect<LocalSession, ApiError> =>
  session.status === "RUNNING" ? Effect.succeed(session) : Effect.fail(sessionNotFound(session.sessionId))

/** Runs what was to be done before the end; what fails or takes too long is logged and does not hold up the end. */
const sayFarewell = (session: LocalSession, patience: Duration.DurationInput): Effect.Effect<void> =>
  Effect.forEach(session.beforeRelease, (last) => last, { concurrency: "unbounded", discard: true }).pipe(
    Effect.interruptible,
    Effect.timeoutFail({ duration: patience, onTimeout: () => new Cause.TimeoutException() }),
    Effect.catchAllCause((cause) => Effect.logWarning(`The last tasks of ${session.sessionId} were not done`, cause))
  )

export const make = (options: RegistryOptions): Effect.Effect<Registry, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { maxLifetimeMillis, maxSessions, pool } = options
    const runtime = yield* Effect.scope
    const sessions = new Map<string, LocalSession>()
    let starting = 0
    let serial = 0

    const find: Registry["find"] = (sessionId) =>
      Effect.suspend(() => {
        const session = sessions.get(sessionId)
        return session === undefined
          ? Effect.fail(sessionNotFound(sessionId))
          : Effect.as(note({ sessionId }), session)
      })

    const get: Registry["get"] = (sessionId) => Effect.flatMap(find(sessionId), running)

    const end = (session: LocalSession) =>
      Effect.uninterruptible(
        Effect.suspend(() => sessions.delete(session.sessionId) ? Scope.close(session.scope, Exit.void) : Effect.void)
      )

    const leave = (session: LocalSession, patience: Duration.DurationInput) =>
      Effect.suspend(() => {
        if (session.status === "DELETING") return Effect.void
        session.status = "DELETING"
        return Effect.ensuring(
          session.beforeRelease.length === 0 ? Effect.void : sayFarewell(session, patience),
          end(session)
        )
      })

    const leaveAsync = (session: LocalSession) =>
      session.beforeRelease.length === 0
        ? leave(session, farewell.release)
        : Effect.asVoid(Effect.forkIn(leave(session, farewell.release), runtime))

    const use: Registry["use"] = (sessionId) =>
      Effect.zipWith(get(sessionId), Clock.currentTimeMillis, (session, now) => {
        session.usedAt = now
        return session
      })

    type Wanted = Parameters<Registry["create"]>[0]

    const open = ({ form, idleSeconds, imageId, labels }: Wanted, take: SandboxPool["take"]) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const sandbox = yield* Scope.extend(inSandbox(take), scope).pipe(
          Effect.mapError(notStarted),
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
        const now = yield* Clock.currentTimeMillis
        const session: LocalSession = {
          sessionId: id("s"),
          serial: serial += 1,
          resourceId: id("p"),
          appInstanceId: id("ai"),
          token: id("t"),
          imageId,
          labels,
          form,
          idleMillis: idleSeconds * 1000,
          scope,
          sandbox,
          callTool: makeTools(toolHandlers.make(sandbox)),
          beforeRelease: [],
          status: "RUNNING",
          createdAt: now,
          usedAt: now,
          active: 0
        }
        sessions.set(session.sessionId, session)
        yield* note({ sessionId: session.sessionId })
        const endWithSandbox = Effect.zipRight(sandbox.lost, Effect.forkDaemon(end(session)))
        yield* Effect.forkIn(Effect.interruptible(endWithSandbox), scope)
        return session
      })

    const create: Registry["create"] = (options) =>
      Effect.uninterruptibleMask((restore) => {
        if (sessions.size + starting >= maxSessions) return Effect.fail(tooMany(maxSessions))
        starting += 1
        return Effect.ensuring(
          open(options, restore(pool.take)),
          Effect.sync(() => {
            starting -= 1
          })
        )
      })

    const atWork: Registry["atWork"] = (session, work) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          session.active += 1
        }),
        () =>
          Effect.catchTag(
            work,
            "SandboxLost",
            ({ reason }) => Effect.zipRight(end(session), lost(session.sessionId, reason))
          ),
        () =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            session.active -= 1
            session.usedAt = now
          })
      )

    const callTool: Registry["callTool"] = (sessionId, name, args, form) =>
      Effect.flatMap(
        Effect.zipLeft(use(sessionId), note(Object.hasOwn(tools, name) ? { tool: name } : {})),
        (session) => atWork(session, session.callTool(name, args, form ?? session.form))
      )

    const isOver = ({ active, createdAt, idleMillis, usedAt }: LocalSession, now: number): boolean =>
      active === 0 && now - usedAt >= idleMillis || now - createdAt >= maxLifetimeMillis

    const releaseIdle = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.forEach(
        [...sessions.values()].filter((session) => isOver(session, now)),
        leaveAsync,
        {
          concurrency: "unbounded",
          discard: true
        }
      ))

    yield* Effect.addFinalizer(() =>
      Effect.forEach([...sessions.values()], (session) => leave(session, farewell.shutdown), {
        concurrency: "unbounded",
        discard: true
      })
    )
    yield* Effect.forkScoped(Effect.schedule(releaseIdle, Schedule.spaced("1 second")))

    return {
      create,
      find,
      get,
      use,
      callTool,
      atWork,
      release: (sessionId) => Effect.flatMap(get(sessionId), (session) => leave(session, farewell.release)),
      releaseAsync: (sessionId) => Effect.flatMap(find(sessionId), leaveAsync),
      all: Effect.sync(() => [...sessions.values()].filter(({ status }) => status === "RUNNING"))
    }
  })
