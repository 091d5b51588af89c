/**
 * The sessions that an account may have at once, as one entity counts them for all runners.
 *
 * The account itself is the record: its sessions are listed when the entity starts, and again when nobody can have one. What is not listed
 * yet are creates under way. Each is granted for a short time, and whoever makes it asks for more time: a runner that is killed asks no
 * more. An entity that starts waits that long before it grants anything, until all that were granted before have told of themselves.
 */
import type { ClientError } from "@effect-agb/core/AgbError"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** How long a grant lasts without being renewed, in milliseconds; three times as long as between two renewals. */
export const lease = 15_000

/** How long a call waits for a grant before it must ask again. One that is not asked for again has left the line. */
export const longestWait = 5000

/** Time between two lists of the sessions of the account while somebody waits. */
const listEvery = 30_000

/** How long a session may still be listed after its deletion was confirmed. */
const listLag = 60_000

/** The longest time for which the service can stop all creates, as for one client. */
const longestPause = 60_000

interface Waiter {
  readonly since: number
  /** When it has left the line, unless it asks again. */
  expires: number
  granted: Deferred.Deferred<boolean>
}

export class Quota {
  readonly #most: number
  readonly #list: Effect.Effect<Iterable<string>, ClientError>
  readonly #startedAt: number
  #sessions = new Set<string>()
  /** Sessions that were deleted, and when. */
  readonly #deleted = new Map<string, number>()
  /** Creates under way, and until when they are. */
  readonly #grants = new Map<string, number>()
  readonly #line = new Map<string, Waiter>()
  #pausedUntil = 0
  #listedAt: number | undefined

  constructor(most: number, list: Effect.Effect<Iterable<string>, ClientError>, now: number) {
    this.#most = most
    this.#list = list
    this.#startedAt = now
  }

  /** Waits for a grant, in the order of `since` among all that wait; false: ask again. */
  acquire(ticket: string, since: number): Effect.Effect<boolean> {
    return Effect.gen(this, function*() {
      if (this.#grants.has(ticket)) return true
      const now = yield* Clock.currentTimeMillis
      const granted = yield* Deferred.make<boolean>()
      this.#line.set(ticket, { since, expires: now + longestWait + lease, granted })
      this.#serve(now)
      return yield* Deferred.await(granted).pipe(
        Effect.timeoutTo({ duration: longestWait, onSuccess: () => true, onTimeout: () => this.#grants.has(ticket) })
      )
    })
  }

  /** The create of this ticket is under way. */
  readonly renew = (ticket: string): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      this.#grants.set(ticket, now + lease)
    })

  /** The create has ended, or is not wanted any more. */
  readonly settle = (ticket: string, sessionId: string | undefined): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      this.#grants.delete(ticket)
      this.#line.delete(ticket)
      if (sessionId !== undefined) this.#sessions.add(sessionId)
      this.#serve(now)
    })

  readonly release = (sessionId: string): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      this.#sessions.delete(sessionId)
      this.#deleted.set(sessionId, now)
      this.#serve(now)
    })

  readonly pause = (millis: number): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      this.#pausedUntil = Math.max(this.#pausedUntil, now + Math.min(millis, longestPause))
    })

  /** Lets time pass, until the end of the scope. */
  readonly run: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() =>
    Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.zipRight(this.#tick, Effect.sleep("1 second")))))
  )

  readonly #tick: Effect.Effect<void> = Effect.gen(this, function*() {
    const now = yield* Clock.currentTimeMillis
    let isInDoubt = this.#listedAt === undefined
    for (const [ticket, expires] of this.#grants) {
      if (expires > now) continue
      // What came of it is in the list of sessions.
      this.#grants.delete(ticket)
      isInDoubt = true
    }
    for (const [ticket, { expires }] of this.#line) if (expires <= now) this.#line.delete(ticket)
    for (const [sessionId, at] of this.#deleted) if (now - at >= listLag) this.#deleted.delete(sessionId)
    if (isInDoubt) this.#listedAt = undefined
    const isDue = this.#listedAt === undefined || now - this.#listedAt >= listEvery
    if (isDue && this.#line.size > 0 && (this.#free <= 0 || this.#listedAt === undefined)) yield* this.#relist
    this.#serve(yield* Clock.currentTimeMillis)
  })

  /** What was created meanwhile need not be listed. */
  readonly #relist: Effect.Effect<void> = Effect.gen(this, function*() {
    const now = yield* Clock.currentTimeMillis
    const before = new Set(this.#sessions)
    const listed = yield* this.#list
    const created = [...this.#sessions].filter((sessionId) => !before.has(sessionId))
    this.#sessions = new Set([...created, ...[...listed].filter((sessionId) => !this.#deleted.has(sessionId))])
    this.#listedAt = now
  }).pipe(Effect.catchAll(({ message }) => Effect.logDebug("The sessions of a quota cannot be listed", message)))

  get #free(): number {
    return this.#most - this.#sessions.size - this.#grants.size
  }

  #serve(now: number): void {
    if (this.#listedAt === undefined || now < this.#startedAt + lease || now < this.#pausedUntil) return
    const line = [...this.#line].sort(([one, a], [other, b]) => a.since - b.since || (one < other ? -1 : 1))
    for (const [ticket, { granted }] of line) {
      if (this.#free <= 0) return
      this.#line.delete(ticket)
      this.#grants.set(ticket, now + lease)
      Deferred.unsafeDone(granted, Effect.succeed(true))
    }
  }
}
