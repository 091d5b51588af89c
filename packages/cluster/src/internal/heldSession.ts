/**
 * The session of an entity: opened by the first call, found again when the shard has moved, and deleted when it is closed or was idle.
 *
 * `EntityResource` of @effect/cluster does nearly this. But what it opens again after it was idle no longer keeps the entity alive, and
 * the timer of what was closed may end the next.
 */
import { Agb } from "@effect-agb/core/Agb"
import * as AgbError from "@effect-agb/core/AgbError"
import type * as CreateSessionParams from "@effect-agb/core/CreateSessionParams"
import type * as Session from "@effect-agb/core/Session"
import * as Entity from "@effect/cluster/Entity"
import type { Sharding } from "@effect/cluster/Sharding"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { Claim } from "./claim.js"
import { entityOwner } from "./owners.js"

type Surroundings = Agb | Sharding | Entity.CurrentAddress | Scope.Scope

interface Held {
  readonly session: Session.Session
  readonly claim: Claim
  /** Its end ends the keep-alive of the session. */
  readonly scope: Scope.CloseableScope
  users: number
  timer: Fiber.Fiber<unknown, unknown> | undefined
}

const isLoss = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  Option.exists(Cause.failureOption(exit.cause), (error) => error instanceof AgbError.SessionLostError)

export class HeldSession {
  readonly #params: CreateSessionParams.Input
  readonly #idle: Duration.Duration
  readonly #context: Context.Context<Surroundings>
  /** Held by whoever opens or ends the session. */
  readonly #turn = Effect.unsafeMakeSemaphore(1)
  #held: Held | undefined

  constructor(params: CreateSessionParams.Input, idle: Duration.Duration, context: Context.Context<Surroundings>) {
    this.#params = params
    this.#idle = idle
    this.#context = context
  }

  /** The session until the end of the scope, unless another runner has it. */
  readonly borrow: Effect.Effect<Session.Session, AgbError.AgbError, Scope.Scope> = Effect.suspend(() =>
    Effect.flatMap(
      Effect.acquireRelease(this.#take, (held, exit) => this.#giveBack(held, isLoss(exit))),
      ({ claim, session }) => Effect.as(claim.pass, session)
    )
  )

  /** Deletes the session; the next call has another one. */
  readonly close: Effect.Effect<void, AgbError.AgbError> = Effect.suspend(() =>
    this.#turn.withPermits(1)(
      Effect.flatMap(this.#current, (held) => Effect.zipRight(held.claim.pass, this.#end(held)))
    )
  )

  readonly #current: Effect.Effect<Held, AgbError.AgbError> = Effect.suspend(() =>
    this.#held === undefined ? this.#open : Effect.succeed(this.#held)
  )

  /** It is counted before an interruption can come in between. */
  readonly #take: Effect.Effect<Held, AgbError.AgbError> = Effect.suspend(() =>
    Effect.zipRight(
      Effect.interruptible(this.#turn.take(1)),
      Effect.interruptible(this.#current).pipe(
        Effect.tap((held) => {
          const { timer } = held
          held.users += 1
          held.timer = undefined
          return timer === undefined ? Effect.void : Fiber.interruptFork(timer)
        }),
        Effect.ensuring(this.#turn.release(1))
      )
    )
  )

  readonly #open: Effect.Effect<Held, AgbError.AgbError> = Effect.suspend(() =>
    Effect.gen(this, function*() {
      const agb = yield* Agb
      const { entityId, entityType } = yield* Entity.CurrentAddress
      const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      const open = Effect.gen(this, function*() {
        yield* Entity.keepAlive(true)
        const session = yield* agb.resume(yield* agb.ensure(entityOwner(entityType, entityId), this.#params))
        const claim = new Claim(session)
        yield* claim.take
        return this.#held = { session, claim, scope, users: 0, timer: undefined }
      })
      return yield* Effect.onError(
        Scope.extend(open, scope),
        (cause) => Effect.zipRight(Scope.close(scope, Exit.failCause(cause)), Entity.keepAlive(false))
      )
    }).pipe(Effect.provide(this.#context))
  )

  #giveBack(held: Held, isLost: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      held.users -= 1
      if (held !== this.#held) return Effect.void
      if (isLost) return this.#endIf(held, () => true)
      return held.users === 0 && Duration.isFinite(this.#idle) ? this.#startTimer(held) : Effect.void
    })
  }

  #startTimer(held: Held): Effect.Effect<void> {
    return Effect.sleep(this.#idle).pipe(
      Effect.zipRight(this.#endIf(held, () => held.users === 0)),
      Effect.interruptible,
      Effect.forkScoped,
      Effect.provide(this.#context),
      Effect.map((timer) => {
        held.timer = timer
      })
    )
  }

  /** Ends the session if it is still the one in use. What cannot be deleted is logged, counted and listed by the SDK. */
  #endIf(held: Held, isDue: () => boolean): Effect.Effect<void> {
    return this.#turn.withPermits(1)(
      Effect.suspend(() => held === this.#held && isDue() ? Effect.ignore(this.#end(held)) : Effect.void)
    )
  }

  /** Deletes the session, unless another runner has taken it: one that was stopped for long finds its timer due. */
  #end(held: Held): Effect.Effect<void, AgbError.AgbError> {
    return Effect.gen(this, function*() {
      const agb = yield* Agb
      this.#held = undefined
      const isOurs = yield* Effect.exit(held.claim.isOurs)
      yield* Scope.close(held.scope, Exit.void)
      yield* Entity.keepAlive(false)
      if (isLoss(isOurs)) return
      if (yield* isOurs) yield* agb.delete(held.session.sessionId)
    }).pipe(Effect.provide(this.#context), Effect.uninterruptible)
  }
}

/**
 * The session of the current entity. It is opened at once, since an entity that another runner took over may have no call that would do
 * so; calls tell what failed.
 */
export const make = (
  params: CreateSessionParams.Input,
  idle: Duration.DurationInput
): Effect.Effect<HeldSession, never, Surroundings> =>
  Effect.gen(function*() {
    const session = new HeldSession(params, Duration.decode(idle), yield* Effect.context<Surroundings>())
    yield* Effect.forkScoped(Effect.ignore(Effect.scoped(session.borrow)))
    return session
  })
