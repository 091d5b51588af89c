/**
 * The attempts of a create. Every attempt carries a unique label. One that fails, or that is interrupted, leaves nothing
 * behind: the sessions that its replies name are deleted, and what may have come of it is looked for by its label.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Endpoints, Labels, ReplyOf } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import type { ClientError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import { backoff } from "../client/retry/retry.js"
import * as retryBudgets from "../client/retry/retryBudget.js"
import type { PersistenceData } from "../wire/persistence.js"
import { type Doubt, doubtOf, rolledBack, watched } from "./doubt.js"
import { PacedRetries } from "./pacedRetries.js"
import type { Attempt, Found, Reconciliation } from "./reconciliation.js"
import type { Removals } from "./removals.js"
import type { Lifetime, Stamps } from "./stamps.js"
import type { Watch } from "./watch.js"

export type Created = ReplyOf<Endpoints["createSession"]>

export interface CreateRequest {
  readonly imageId: string
  readonly labels: Labels
  readonly timeout: number
  readonly mcpPolicyId?: string
  readonly persistenceDataList?: ReadonlyArray<PersistenceData>
}

/** Who takes the session, without interruption. */
export interface Taker {
  /** Whether the session ends with the program. If not, the guardian goes on to watch over the attempt, until the taker ends that. */
  readonly lifetime: Lifetime
  readonly take: (created: Created, attempt: string) => Effect.Effect<void, ClientError>
  /** Whether nobody waits for the session any more. */
  readonly isAbandoned: () => boolean
}

/** An attempt that failed and may be made again. */
interface Repeatable {
  readonly _tag: "Repeatable"
  readonly error: ClientError
}

interface Create {
  readonly request: CreateRequest
  readonly taker: Taker
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

interface Services {
  readonly client: AgbClient.Service
  readonly reconciliation: Reconciliation
  readonly removals: Removals
  readonly stamps: Stamps
  /** Identifies the program, if the platform can. */
  readonly programId: Effect.Effect<Option.Option<string>>
  readonly watch: Watch
}

interface InFlight {
  readonly label: string
  /** The ids of sessions in its replies. */
  readonly named: Set<string>
  readonly deadline: number
  readonly restore: typeof Effect.interruptible
}

type Outcome = Effect.Effect<never, ClientError | Repeatable>

const repeatable = (error: ClientError): Outcome => Effect.fail({ _tag: "Repeatable", error })

/** How long a create waits for its turn to be looked for or repeated, before it fails. */
const longestTurn = Duration.seconds(1)

/** The ids of sessions that a reply names, at its top or in its data. */
const idsIn = (fields: Readonly<Record<string, unknown>>): ReadonlyArray<string> =>
  [fields, fields["data"]].flatMap((value) => {
    const sessionId = Predicate.isRecord(value) ? value["sessionId"] : undefined
    return typeof sessionId === "string" && sessionId.trim() !== "" ? [sessionId] : []
  })

const remaining = (deadline: number): Effect.Effect<Duration.Duration> =>
  Effect.map(Clock.currentTimeMillis, (now) => Duration.millis(Math.max(0, deadline - now)))

/** Runs an effect until the deadline. */
const until = <A, E>(deadline: number, effect: Effect.Effect<A, E>): Effect.Effect<Option.Option<A>, E> =>
  Effect.flatMap(remaining(deadline), (left) => Effect.timeoutOption(effect, left))

export class Attempts {
  readonly #client: AgbClient.Service
  readonly #reconciliation: Reconciliation
  readonly #removals: Removals
  readonly #services: Services
  readonly #repetitions: PacedRetries

  constructor(services: Services) {
    this.#client = services.client
    this.#reconciliation = services.reconciliation
    this.#removals = services.removals
    this.#services = services
    this.#repetitions = new PacedRetries(retryBudgets.of(services.client))
  }

  /** Makes attempts within one deadline until the session is taken. */
  run(request: CreateRequest, taker: Taker): Effect.Effect<void, ClientError> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const deadline = now + Duration.toMillis(this.#client.config.timeout)
      return this.#make({ request, taker, deadline }, 1)
    })
  }

  #make(create: Create, nth: number): Effect.Effect<void, ClientError> {
    return Effect.catchTag(this.#attempt(create), "Repeatable", ({ error }) => this.#repeat(create, nth, error))
  }

  #repeat(create: Create, nth: number, error: ClientError): Effect.Effect<void, ClientError> {
    return Effect.gen(this, function*() {
      const { retry } = this.#client.config
      const delay = yield* backoff(retry, nth, error)
      const isLate = (yield* Clock.currentTimeMillis) + delay >= create.deadline
      if (nth >= retry.maxAttempts || isLate || create.taker.isAbandoned()) return yield* Effect.fail(error)
      yield* Effect.sleep(delay)
      const turn = yield* this.#turn(this.#repetitions, create.deadline)
      if (!turn || create.taker.isAbandoned()) return yield* Effect.fail(error)
      return yield* this.#make(create, nth + 1)
    })
  }

  /** Whether a turn came in time. */
  #turn(retries: PacedRetries, deadline: number): Effect.Effect<boolean> {
    return Effect.flatMap(remaining(deadline), (left) =>
      Effect.map(
        Effect.timeoutOption(retries.turn, Duration.min(left, longestTurn)),
        (turn) => Option.isSome(turn) && Duration.greaterThan(left, 0)
      ))
  }

  /** Only its requests are interruptible, so that no session or label is lost between two steps. */
  #attempt({ deadline, request, taker }: Create): Effect.Effect<void, ClientError | Repeatable> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.all([Clock.currentTimeMillis, this.#services.programId]), ([now, programId]) => {
        const label = crypto.randomUUID()
        const timeout = Duration.millis(Math.max(0, deadline - now))
        const own = this.#services.stamps.labels(taker.lifetime, label, now, Option.getOrUndefined(programId))
        const named = new Set<string>()
        const onReply = (fields: Readonly<Record<string, unknown>>) => idsIn(fields).forEach((id) => named.add(id))
        const inFlight: InFlight = { label, named, deadline, restore }
        this.#reconciliation.add(label)
        return Effect.matchCauseEffect(
          restore(
            this.#client.createSession(
              { ...request, labels: { ...request.labels, ...own } },
              internalOptions({ operation: "Session.make", timeout, onReply })
            )
          ),
          {
            onSuccess: (created) => this.#onCreated(inFlight, created, taker),
            onFailure: (cause) => this.#onFailure(inFlight, cause)
          }
        )
      })
    )
  }

  /** A reply before the last one may have named another session. */
  #onCreated({ label, named }: InFlight, created: Created, taker: Taker): Effect.Effect<void, ClientError> {
    if (taker.lifetime === "detached") this.#reconciliation.forget(label)
    else {
      this.#services.watch.addSession(created.sessionId)
      this.#reconciliation.resolve(label)
    }
    this.#repetitions.succeeded()
    named.delete(created.sessionId)
    return Effect.zipRight(
      Effect.forEach(named, (sessionId) => this.#removals.start(sessionId), { discard: true }),
      taker.take(created, label)
    )
  }

  #onFailure(inFlight: InFlight, cause: Cause.Cause<ClientError>): Outcome {
    const { label, named } = inFlight
    const error = Option.getOrUndefined(Cause.failureOption(cause))
    if (named.size > 0) return this.#removeNamed(inFlight, cause)
    if (error === undefined) return Effect.zipRight(this.#lookAgain(label, "open"), Effect.failCause(cause))
    const doubt = doubtOf(error)
    if (doubt !== "none") return this.#settle(inFlight, doubt, error)
    this.#reconciliation.resolve(label)
    return Effect.fail(error)
  }

  /** A failed reply named its session. The deletion goes on if the deadline or an interruption ends the wait. */
  #removeNamed({ deadline, label, named, restore }: InFlight, cause: Cause.Cause<ClientError>): Outcome {
    const error = Option.getOrUndefined(Cause.failureOption(cause))
    return Effect.gen(this, function*() {
      for (const sessionId of named) yield* this.#removals.start(sessionId)
      this.#reconciliation.resolve(label)
      if (error === undefined) return yield* Effect.failCause(cause)
      const removed = yield* Effect.exit(restore(until(deadline, this.#removals.removeAll(named))))
      if (Exit.isFailure(removed)) return yield* Effect.failCause(removed.cause)
      const areGone = Option.getOrElse(removed.value, () => false)
      return yield* areGone && error.mayHaveHappened ? repeatable(rolledBack(error)) : Effect.fail(error)
    })
  }

  /** Looks once while the caller waits, and later in the background unless that settles it. */
  #settle({ deadline, label, restore }: InFlight, doubt: Exclude<Doubt, "none">, error: ClientError): Outcome {
    return Effect.gen(this, function*() {
      const since = yield* Clock.currentTimeMillis
      const look = Effect.flatMap(
        this.#turn(this.#reconciliation.looks, deadline),
        (isDue) => isDue ? Effect.asSome(this.#reconciliation.look(label)) : Effect.succeedNone
      )
      const looked = yield* Effect.exit(restore(Effect.map(until(deadline, look), Option.flatten)))
      if (Exit.isSuccess(looked) && Option.isSome(looked.value)) {
        return yield* this.#onFound(looked.value.value, { label, doubt, since, lookedAt: since }, error)
      }
      // The server refuses both: the look tells nothing more than the create.
      if (doubt === "refused" && Exit.isFailure(looked) && isKeyRejected(looked.cause)) {
        this.#reconciliation.resolve(label)
        return yield* Effect.fail(error)
      }
      yield* this.#lookAgain(label, doubt)
      return yield* Exit.isInterrupted(looked) ? Effect.interrupt : Effect.fail(error)
    })
  }

  #onFound(found: Found, attempt: Attempt, error: ClientError): Outcome {
    const { doubt, label } = attempt
    if (found === "nothing" && doubt !== "refused") {
      return Effect.zipRight(
        this.#reconciliation.lookAgain(attempt),
        repeatable(doubt === "open" ? watched(error) : rolledBack(error))
      )
    }
    this.#reconciliation.resolve(label)
    return found === "deleted" && doubt !== "refused" ? repeatable(rolledBack(error)) : Effect.fail(error)
  }

  #lookAgain(label: string, doubt: Exclude<Doubt, "none">): Effect.Effect<void> {
    return Effect.flatMap(
      Clock.currentTimeMillis,
      (since) => this.#reconciliation.lookAgain({ label, doubt, since, lookedAt: undefined })
    )
  }
}

const isKeyRejected = (cause: Cause.Cause<ClientError>): boolean =>
  Option.exists(Cause.failureOption(cause), ({ _tag }) => _tag === "AuthenticationError")
