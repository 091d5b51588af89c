/**
 * A pool of sessions that many fibers share, each with a session of its own for as long as it needs one. Borrowers are
 * served in the order of arrival. A session that is lost, unhealthy or too old, or whose borrower met a defect, is deleted
 * and never reaches another borrower.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { Agb } from "./Agb.js"
import { type ClientError, InvalidRequestError, PoolExhaustedError } from "./AgbError.js"
import { Code } from "./Code.js"
import { Command } from "./Command.js"
import type { Input } from "./CreateSessionParams.js"
import { FileSystem } from "./FileSystem.js"
import * as optionObjects from "./internal/client/checks/options.js"
import * as metrics from "./internal/client/metrics.js"
import { requestedDelay } from "./internal/client/retry/retry.js"
import * as spans from "./internal/client/spans.js"
import { Pool, type PoolHooks, type PoolLimits } from "./internal/lifecycle/pool.js"
import type { Session } from "./Session.js"

/**
 * Options of a pool.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<R = never> {
  /** Parameters of the sessions. */
  readonly session: Input
  /** Sessions that are kept ready, from 0 on. Default: 0. */
  readonly min?: number | undefined
  /** The most sessions that exist at a time, those that are being deleted included, from 1 on. */
  readonly max: number
  /** An older session is deleted when it is idle. Default: no limit. */
  readonly maxAge?: Duration.DurationInput | undefined
  /** How long more than `min` sessions are kept while nobody borrows them. Default: 1 minute. */
  readonly maxIdle?: Duration.DurationInput | undefined
  /** How long a borrower waits before it fails with `PoolExhaustedError`. Default: no limit. */
  readonly maxWait?: Duration.DurationInput | undefined
  /**
   * Asked before a session is lent: `false`, a failure, or no answer within the configured timeout of a call deletes it.
   * Default: the status of the session is asked for.
   */
  readonly health?: ((session: Session) => Effect.Effect<boolean, unknown, R>) | undefined
  /**
   * Run in the background when a session was returned, e.g. to remove files of its borrower. A failure, or no end within
   * the configured timeout of a call, deletes the session. Default: nothing, the state of the session stays.
   */
  readonly reset?: ((session: Session) => Effect.Effect<unknown, unknown, R>) | undefined
}

/**
 * What a pool holds at the moment.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  /** All sessions, including those that are being created or deleted. */
  readonly size: number
  readonly idle: number
  readonly borrowed: number
  /** Borrowers that wait. */
  readonly waiting: number
}

/**
 * Tag of `SessionPool`.
 *
 * @since 0.1.0
 * @category tags
 */
export class SessionPool extends Context.Tag("@effect-agb/core/SessionPool")<SessionPool, SessionPool.Service>() {}

/**
 * Types of a pool.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace SessionPool {
  /**
   * Lends sessions.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Borrows a session until the end of the scope. Fails with the error of a create if that was made for this borrower, and
     * with `PoolExhaustedError` after `maxWait`.
     */
    readonly borrow: Effect.Effect<Session, ClientError, Scope.Scope>
    /** Borrows a session for an effect. */
    readonly use: <A, E, R>(f: (session: Session) => Effect.Effect<A, E, R>) => Effect.Effect<A, E | ClientError, R>
    /** What the pool holds at the moment. */
    readonly stats: Effect.Effect<Stats>
  }
}

const operation = "SessionPool.make"

const invalid = (field: string, given: unknown, expected: string) =>
  Either.left(new InvalidRequestError({ operation, field, given: String(given).slice(0, 64), expected }))

const count = (
  field: string,
  given: unknown,
  least: number,
  most: number
): Either.Either<number, InvalidRequestError> =>
  typeof given === "number" && Number.isInteger(given) && given >= least && given <= most
    ? Either.right(given)
    : invalid(field, given, `an integer from ${least} to ${most}`)

const span = (
  field: string,
  given: Duration.DurationInput | undefined,
  otherwise: Duration.DurationInput
): Either.Either<Duration.Duration, InvalidRequestError> =>
  Option.match(Duration.decodeUnknown(given ?? otherwise), {
    onNone: () => invalid(field, typeof given, "a duration above 0"),
    onSome: (duration) =>
      Duration.greaterThan(duration, 0) ? Either.right(duration) : invalid(field, given, "a duration above 0")
  })

/** More would only hide a mistake. */
const most = 10_000

const limitsOf = (options: Partial<Options<unknown>>): Either.Either<PoolLimits, InvalidRequestError> =>
  Either.gen(function*() {
    const max = yield* count("max", options.max, 1, most)
    return {
      max,
      min: yield* count("min", options.min ?? 0, 0, max),
      maxAge: yield* span("maxAge", options.maxAge, Duration.infinity),
      maxIdle: yield* span("maxIdle", options.maxIdle, "1 minute"),
      maxWait: yield* span("maxWait", options.maxWait, Duration.infinity)
    }
  })

const dead = new Set(["DELETING", "DELETED", "FINISH"])

const isAlive = (session: Session) => Effect.map(session.status, (status) => !dead.has(status))

const known = ["session", "min", "max", "maxAge", "maxIdle", "maxWait", "health", "reset"] as const

const hooksOf = <R>(
  options: Pick<Options<R>, "session" | "health" | "reset">,
  agb: Agb.Service,
  max: number
): Effect.Effect<PoolHooks<Session, ClientError>, never, R | Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<R>()
    const deletions = yield* agb.deletions
    const { health = isAlive, reset } = options
    const isDone = (hook: Effect.Effect<boolean, unknown, R>): Effect.Effect<boolean> =>
      hook.pipe(
        Effect.timeout(agb.client.config.timeout),
        Effect.catchAllCause((cause) => Effect.as(Effect.logDebug("A session of a pool is given up", cause), false)),
        Effect.provide(context)
      )
    return {
      create: deletions.create(options.session),
      check: (session) => isDone(health(session)),
      reset: reset === undefined ? undefined : (session) => isDone(Effect.as(reset(session), true)),
      remove: ({ sessionId }) => Effect.ignore(agb.delete(sessionId)),
      removeAtEnd: deletions.start,
      onChange: metrics.pool,
      pauseAfter: requestedDelay,
      isQuota: ({ _tag }) => _tag === "RateLimitedError",
      // Invalid parameters, or a service whose layer has ended.
      isFinal: ({ _tag }) => _tag === "InvalidRequestError",
      exhausted: (waitedMillis) => new PoolExhaustedError({ operation: "SessionPool.borrow", waitedMillis, max }),
      ended: () =>
        new InvalidRequestError({
          operation: "SessionPool.borrow",
          field: "pool",
          given: "a pool that is closed",
          expected: "a pool whose scope has not ended"
        })
    }
  })

/**
 * Creates a pool. The end of the scope refuses who waits and deletes all sessions, borrowed ones included.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <R = never>(
  options: Options<R>
): Effect.Effect<SessionPool.Service, InvalidRequestError, Agb | R | Scope.Scope> =>
  Effect.gen(function*() {
    const given = yield* optionObjects.check(operation, options, known)
    const limits = yield* limitsOf(given)
    const hooks = yield* hooksOf(options, yield* Agb, limits.max)
    const pool = yield* Effect.acquireRelease(Effect.sync(() => new Pool(hooks, limits)), ({ end }) => end)
    yield* pool.start
    const borrow = Effect.acquireRelease(metrics.poolWait(pool.take), (entry, exit) => pool.giveBack(entry, exit)).pipe(
      Effect.map(({ value }) => value),
      spans.traced("SessionPool.borrow")
    )
    return SessionPool.of({
      borrow,
      use: (f) => Effect.scoped(Effect.flatMap(borrow, f)),
      stats: pool.stats
    })
  })

/**
 * Layer of a pool.
 *
 * @example
 * ```ts
 * import { SessionPool } from "@effect-agb/core"
 * import { Effect } from "effect"
 *
 * export const program = Effect.gen(function*() {
 *   const pool = yield* SessionPool.SessionPool
 *   return yield* Effect.forEach(["1 + 1", "2 + 2", "3 + 3"], (code) =>
 *     pool.use((session) => session.code.runCode(code, "python")), { concurrency: "unbounded" })
 * }).pipe(
 *   Effect.provide(SessionPool.layer({ session: { imageId: "agb-code-space-1" }, max: 2 }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R = never>(
  options: Options<R>
): Layer.Layer<SessionPool, InvalidRequestError, Agb | Exclude<R, Scope.Scope>> =>
  Layer.scoped(SessionPool, make(options))

type Service = Code | Command | FileSystem

/** What stays in a session needs one that stays as well. */
const noSession = (operation: string) =>
  Effect.fail(
    new InvalidRequestError({
      operation,
      field: "session",
      given: "a session of a pool, lent for one call",
      expected: "a session that is borrowed by SessionPool.borrow or use"
    })
  )

/** Each call of a method borrows a session; a stream until its end, a process or a code context until the end of its scope. */
const perCall = ({ borrow, use }: SessionPool.Service): Context.Context<Service> => {
  const run = <Args extends ReadonlyArray<unknown>, A, E>(
    method: (session: Session) => (...args: Args) => Effect.Effect<A, E>
  ) =>
  (...args: Args) => use((session) => method(session)(...args))
  const stream = <Args extends ReadonlyArray<unknown>, A, E>(
    method: (session: Session) => (...args: Args) => Stream.Stream<A, E>
  ) =>
  (...args: Args) => Stream.unwrapScoped(Effect.map(borrow, (session) => method(session)(...args)))

  const code = Code.of({
    runCode: run(({ code }) => code.runCode),
    runCodeStream: stream(({ code }) => code.runCodeStream),
    context: (options) => Effect.flatMap(borrow, ({ code }) => code.context(options))
  })
  const command = Command.of({
    executeCommand: run(({ command }) => command.executeCommand),
    executeCommandStream: stream(({ command }) => command.executeCommandStream),
    start: (...args) => Effect.flatMap(borrow, ({ command }) => command.start(...args)),
    startDetached: () => noSession("Command.startDetached"),
    attach: () => noSession("Command.attach"),
    listProcesses: noSession("Command.listProcesses")
  })
  return Context.make(Code, code).pipe(
    Context.add(Command, command),
    Context.add(
      FileSystem,
      FileSystem.of({
        createDirectory: run(({ fileSystem }) => fileSystem.createDirectory),
        deleteFile: run(({ fileSystem }) => fileSystem.deleteFile),
        editFile: run(({ fileSystem }) => fileSystem.editFile),
        getFileInfo: run(({ fileSystem }) => fileSystem.getFileInfo),
        listDirectory: run(({ fileSystem }) => fileSystem.listDirectory),
        moveFile: run(({ fileSystem }) => fileSystem.moveFile),
        readFile: run(({ fileSystem }) => fileSystem.readFile),
        readFileBytes: run(({ fileSystem }) => fileSystem.readFileBytes),
        readFileStream: stream(({ fileSystem }) => fileSystem.readFileStream),
        readMultipleFiles: run(({ fileSystem }) => fileSystem.readMultipleFiles),
        searchFiles: run(({ fileSystem }) => fileSystem.searchFiles),
        writeFile: (path, content, options) => use(({ fileSystem }) => fileSystem.writeFile(path, content, options)),
        sink: (path, options) =>
          Sink.unwrapScoped(Effect.map(borrow, ({ fileSystem }) => fileSystem.sink(path, options))),
        exists: run(({ fileSystem }) => fileSystem.exists),
        stat: run(({ fileSystem }) => fileSystem.stat),
        remove: run(({ fileSystem }) => fileSystem.remove),
        copy: run(({ fileSystem }) => fileSystem.copy),
        getFileChange: run(({ fileSystem }) => fileSystem.getFileChange),
        watchDirectory: stream(({ fileSystem }) => fileSystem.watchDirectory)
      })
    )
  )
}

/**
 * Layer of the modules over a pool: each call borrows a session, so a service that lives long survives the loss of a session.
 * Two calls may reach two sessions; borrow one where state or files must stay. `startDetached`, `attach` and `listProcesses`
 * concern what stays in a session: they fail with `InvalidRequestError`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSession: Layer.Layer<Code | Command | FileSystem, never, SessionPool> = Layer.effectContext(
  Effect.map(SessionPool, perCall)
)
