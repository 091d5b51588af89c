/**
 * One session per owner, found by its label or created, however many programs ask at the same time.
 *
 * The server has no such operation, so programs elect the session: each creates a candidate and lists the others. A
 * candidate gives way to a session that was chosen before, or to an older candidate; else it is chosen by a label, and
 * listed once more. A candidate that did not see that label is older than the one that carries it, or gives way to it; the
 * second look waits until it has done either. Only sessions that were chosen are handed out, so nobody gets one that gives
 * way.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Labels } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, TransportError } from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import { chosenLabel, ownerLabel, sinceLabel } from "../wire/ownLabels.js"

const operation = "Agb.ensure"

const pause = Duration.millis(250)

/** Whoever created a candidate and has not decided on it in this time, in milliseconds, is gone. */
const staleAfter = 30_000

/** A session of the owner. */
interface Candidate {
  readonly sessionId: string
  readonly since: number
  readonly isChosen: boolean
}

export interface Lifecycle {
  /** Creates a session that nobody deletes or keeps alive. */
  readonly create: (labels: Labels) => Effect.Effect<string, ClientError>
  readonly remove: (sessionId: string) => Effect.Effect<void, ClientError>
}

const byAge = (one: Candidate, other: Candidate): number =>
  one.since - other.since || (one.sessionId < other.sessionId ? -1 : 1)

const undecided = () =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: "programs that ask for the same owner at the same time have not agreed on a session",
    mayHaveHappened: false,
    retryable: true
  })

/** The session of one owner. */
export class Election {
  readonly #client: AgbClient.Service
  readonly #owner: string
  readonly #lifecycle: Lifecycle
  /** When each undecided candidate of others was seen first. */
  readonly #seen = new Map<string, number>()
  /** The candidate that was to be chosen last. */
  #choosing: string | undefined

  constructor(client: AgbClient.Service, owner: string, lifecycle: Lifecycle) {
    this.#client = client
    this.#owner = owner
    this.#lifecycle = lifecycle
  }

  /** Returns the id of the session. */
  get run(): Effect.Effect<string, ClientError> {
    const limit = Duration.sum(this.#client.config.timeout, Duration.millis(staleAfter))
    return Effect.timeoutFail(this.#find, { duration: limit, onTimeout: undecided })
  }

  readonly #find: Effect.Effect<string, ClientError> = Effect.gen(this, function*() {
    const [first, ...rest] = yield* this.#list
    const chosen = [first, ...rest].filter((one) => one?.isChosen)
    if (chosen[0] !== undefined) {
      for (const other of chosen.slice(1)) if (other !== undefined) yield* this.#lifecycle.remove(other.sessionId)
      return chosen[0].sessionId
    }
    if (first !== undefined) return yield* Effect.zipRight(this.#await([first, ...rest]), this.#find)
    return yield* this.#stand
  })

  /** Creates a candidate; it stays only if it is chosen. */
  get #stand(): Effect.Effect<string, ClientError> {
    return Effect.flatMap(Clock.currentTimeMillis, (since) =>
      Effect.acquireUseRelease(
        this.#lifecycle.create({ [ownerLabel]: this.#owner, [sinceLabel]: String(since) }),
        (sessionId) => this.#contend({ sessionId, since, isChosen: false }),
        (sessionId, exit) =>
          Exit.isSuccess(exit) && exit.value === sessionId
            ? Effect.void
            : this.#withdraw(sessionId, Exit.isFailure(exit) && this.#choosing === sessionId)
      )).pipe(Effect.flatMap((winner) => winner === undefined ? this.#find : Effect.succeed(winner)))
  }

  /** Others may use a candidate as soon as it is chosen: it stays, if it was or may have been, though nobody awaits it here. */
  #withdraw(sessionId: string, mayBeChosen: boolean): Effect.Effect<void> {
    const isChosen = this.#candidate(sessionId).pipe(
      Effect.map((candidate) => candidate?.isChosen === true),
      Effect.orElseSucceed(() => true)
    )
    // The supervisor reports what cannot be deleted.
    const removed = Effect.ignore(this.#lifecycle.remove(sessionId))
    return Effect.if(mayBeChosen ? isChosen : Effect.succeed(false), {
      onTrue: () => Effect.void,
      onFalse: () => removed
    })
  }

  /** Returns the id of the session, or `undefined` if the candidate gives way to another that is not chosen yet. */
  #contend(own: Candidate): Effect.Effect<string | undefined, ClientError> {
    return Effect.gen(this, function*() {
      const others = yield* this.#others(own)
      const chosen = others.find((other) => other.isChosen)
      if (chosen !== undefined) return chosen.sessionId
      if (others.some((other) => byAge(other, own) < 0)) return undefined
      yield* this.#choose(own)
      return yield* this.#confirm(own)
    }).pipe(Effect.catchTag("SessionLostError", () => Effect.succeed(undefined)))
  }

  #confirm(own: Candidate): Effect.Effect<string | undefined, ClientError> {
    return Effect.gen(this, function*() {
      const older = (yield* this.#others(own)).filter((other) => byAge(other, own) < 0)
      const chosen = older.find((other) => other.isChosen)
      if (chosen !== undefined) return chosen.sessionId
      if (older.length === 0) return own.sessionId
      return yield* Effect.zipRight(this.#await(older), this.#confirm(own))
    })
  }

  #choose({ sessionId }: Candidate): Effect.Effect<void, ClientError> {
    this.#choosing = sessionId
    return Effect.flatMap(
      this.#client.getLabel({ sessionId }, internalOptions({ operation })),
      (labels) =>
        this.#client.setLabel(
          { sessionId, labels: { ...labels, [chosenLabel]: "true" } },
          internalOptions({ operation })
        )
    )
  }

  /** Waits for others to decide. A candidate whose program is gone is deleted. */
  #await(candidates: ReadonlyArray<Candidate>): Effect.Effect<void, ClientError> {
    return Effect.gen(this, function*() {
      const now = yield* Clock.currentTimeMillis
      for (const { isChosen, sessionId } of candidates) {
        const seen = this.#seen.get(sessionId) ?? now
        this.#seen.set(sessionId, seen)
        if (!isChosen && now - seen >= staleAfter) yield* this.#lifecycle.remove(sessionId)
      }
      yield* Effect.sleep(pause)
    })
  }

  #others(own: Candidate): Effect.Effect<ReadonlyArray<Candidate>, ClientError> {
    return Effect.map(this.#list, (all) => all.filter(({ sessionId }) => sessionId !== own.sessionId))
  }

  /** The sessions of the owner, the oldest first. */
  readonly #list: Effect.Effect<ReadonlyArray<Candidate>, ClientError> = Effect.gen(this, function*() {
    const { sessions } = yield* this.#client.listSession(
      { labels: { [ownerLabel]: this.#owner }, maxResults: 50 },
      internalOptions({ operation })
    )
    // One that is listed twice must not be deleted as a rival of itself.
    const sessionIds = new Set(sessions.map(({ sessionId }) => sessionId))
    const all = yield* Effect.forEach(sessionIds, (sessionId) => this.#candidate(sessionId), { concurrency: 8 })
    return all.filter((one) => one !== undefined).sort(byAge)
  })

  /** A server that ignores the filter lists sessions of others. */
  #candidate(sessionId: string): Effect.Effect<Candidate | undefined, ClientError> {
    return this.#client.getLabel({ sessionId }, internalOptions({ operation })).pipe(
      Effect.map((labels) => {
        if (labels[ownerLabel] !== this.#owner) return undefined
        return { sessionId, since: Number(labels[sinceLabel]) || 0, isChosen: labels[chosenLabel] !== undefined }
      }),
      Effect.catchTag("SessionLostError", () => Effect.succeed(undefined))
    )
  }
}
