/** `SessionPool` of the promise API. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Input } from "../../CreateSessionParams.js"
import type * as Results from "../../OperationResult.js"
import * as pools from "../../SessionPool.js"
import type * as sessions from "../session/session.js"
import { Params } from "./agbOperations.js"
import type { Connection } from "./connection/connection.js"
import type { Held } from "./connection/heldScopes.js"
import * as operations from "./operation.js"
import * as results from "./results.js"

/** Options of a pool. */
export interface PoolOptions<Session> extends operations.CallOptions {
  /** Parameters of the sessions. */
  readonly session: Input
  /** The most sessions that exist at a time, those that are being deleted included, from 1 on. */
  readonly max: number
  /** Sessions that are kept ready, from 0 on. Default: 0. */
  readonly min?: number | undefined
  /** An older session is deleted when it is idle. Default: no limit. */
  readonly maxAgeMs?: number | undefined
  /** How long more than `min` sessions are kept while nobody borrows them. Default: 1 minute. */
  readonly maxIdleMs?: number | undefined
  /** How long a borrower waits. Default: no limit. */
  readonly maxWaitMs?: number | undefined
  /** Asked before a session is lent: `false`, a rejection or no answer in time deletes it. Default: its status. */
  readonly health?: ((session: Session) => PromiseLike<boolean>) | undefined
  /** Run when a session was returned, e.g. to remove files. A rejection deletes the session. Default: nothing. */
  readonly reset?: ((session: Session) => PromiseLike<unknown>) | undefined
}

type Wrap<Session> = (session: sessions.Session) => Session

const Hook = Schema.optional(
  Schema.declare((u): u is (session: sessions.Session) => PromiseLike<unknown> => Predicate.isFunction(u), {
    description: "a function"
  })
)

const millis = (value: number | undefined) => value === undefined ? undefined : Duration.millis(value)

const hook = (f: (session: sessions.Session) => PromiseLike<unknown>) => (session: sessions.Session) =>
  Effect.tryPromise(async () => f(session))

const make = operations.lasting(
  "SessionPool.make",
  {
    session: Params,
    max: Schema.Number,
    min: Schema.optional(Schema.Number),
    maxAgeMs: Schema.optional(operations.Millis),
    maxIdleMs: Schema.optional(operations.Millis),
    maxWaitMs: Schema.optional(operations.Millis),
    health: Hook,
    reset: Hook
  },
  (_: object, { health, max, maxAgeMs, maxIdleMs, maxWaitMs, min, reset, session }) =>
    pools.make({
      session,
      max,
      min,
      maxAge: millis(maxAgeMs),
      maxIdle: millis(maxIdleMs),
      maxWait: millis(maxWaitMs),
      health: health && ((session) => Effect.map(hook(health)(session), (answer) => answer === true)),
      reset: reset && hook(reset)
    })
)

const borrow = operations.lasting("SessionPool.borrow", {}, ({ borrow }: pools.SessionPool.Service) => borrow)

const stats = operations.make(
  "SessionPool.stats",
  {},
  results.data<pools.Stats>(),
  ({ stats }: pools.SessionPool.Service) => stats
)

/** Sessions that many callers share, each with one of its own for as long as it needs it. */
export class SessionPool<Session> {
  readonly #connection: Connection
  readonly #held: Held<pools.SessionPool.Service>
  readonly #wrap: Wrap<Session>

  /** @internal */
  constructor(connection: Connection, held: Held<pools.SessionPool.Service>, wrap: Wrap<Session>) {
    this.#connection = connection
    this.#held = held
    this.#wrap = wrap
  }

  /**
   * Borrows a session and passes it to `use`. It goes back when `use` returns; when `use` throws, the session is deleted and another
   * one takes its place. Rejects with the error of `use`, or with an `Error` whose `cause` is the typed error if there was no
   * session. The signal cancels the wait for a session only.
   */
  async withSession<A>(use: (session: Session) => A | PromiseLike<A>, options?: operations.CallOptions): Promise<A> {
    const borrowed = await this.#connection.acquire(borrow, Effect.succeed(this.#held.value), {}, options)
    if (!borrowed.success) {
      throw new Error(`Failed to borrow a session: ${borrowed.errorMessage}`, { cause: borrowed.error })
    }
    let exit: Exit.Exit<void> = Exit.void
    try {
      return await use(this.#wrap(borrowed.data.value))
    } catch (error) {
      exit = Exit.die(error)
      throw error
    } finally {
      await this.#connection.release(borrowed.data, exit)
    }
  }

  /** What the pool holds at the moment. */
  stats(options?: operations.CallOptions): Promise<Results.OperationResult<pools.Stats>> {
    return this.#connection.answer(stats, Effect.succeed(this.#held.value), {}, options)
  }

  /** Refuses who waits and deletes all sessions, borrowed ones included. */
  close(): Promise<void> {
    return this.#connection.release(this.#held)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Result of `pool`. `pool` is absent on failure. */
export type PoolResult<Session> = Results.Result<{ readonly pool: SessionPool<Session> }>

export const open = async <Session>(
  connection: Connection,
  wrap: Wrap<Session>,
  options: PoolOptions<Session>
): Promise<PoolResult<Session>> => {
  const wrapped = (f: unknown) => typeof f === "function" ? (session: sessions.Session) => f(wrap(session)) : f
  const given = Predicate.isRecord(options)
    ? {
      ...options,
      ...("health" in options && { health: wrapped(options["health"]) }),
      ...("reset" in options && { reset: wrapped(options["reset"]) })
    }
    : options
  const result = await connection.acquire(make, Effect.succeed({}), {}, given ?? {})
  if (!result.success) return result
  const { data, requestId } = result
  return { requestId, success: true, pool: new SessionPool(connection, data, wrap) }
}
