/**
 * A pool of values that are created, checked, reset and removed in the background. Its state changes between two steps of a
 * fiber only, in methods that are not interruptible, so that no interruption loses a value or a place. Whoever waits is
 * served in the order of arrival.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { Jobs } from "./jobs.js"

/** What the pool does with its values. */
export interface PoolHooks<A, E> {
  readonly create: Effect.Effect<A, E>
  /** Whether a value may be lent. It is asked before each time. */
  readonly check: (value: A) => Effect.Effect<boolean>
  /** Prepares a value that was returned for the next borrower. `undefined`: nothing is to be done. */
  readonly reset: ((value: A) => Effect.Effect<boolean>) | undefined
  /** Waits until the value is gone; its place is free after that. */
  readonly remove: (value: A) => Effect.Effect<void>
  /** Starts the removal when the pool ends; the end of the scope waits for it. */
  readonly removeAtEnd: (value: A) => Effect.Effect<void>
  /** How long no value may be created after a failure, in milliseconds. */
  readonly pauseAfter: (error: E) => number
  /** Whether a failure only says that there may not be more values now. */
  readonly isQuota: (error: E) => boolean
  /** Whether no create can ever succeed. */
  readonly isFinal: (error: E) => boolean
  /** Is told what the pool holds whenever that has changed. */
  readonly onChange: (stats: PoolStats) => Effect.Effect<void>
  readonly exhausted: (waitedMillis: number) => E
  readonly ended: () => E
}

export interface PoolLimits {
  readonly min: number
  readonly max: number
  /** From its creation on. */
  readonly maxAge: Duration.Duration
  /** How long more than `min` values stay while nobody borrows them. */
  readonly maxIdle: Duration.Duration
  /** How long a borrower waits. */
  readonly maxWait: Duration.Duration
}

/** What a pool holds at the moment. */
export interface PoolStats {
  /** All, including those that are being created or deleted. */
  readonly size: number
  readonly idle: number
  readonly borrowed: number
  /** Borrowers that wait. */
  readonly waiting: number
}

interface Entry<A> {
  readonly value: A
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  idleSince: number
}

interface Waiter<A, E> {
  readonly granted: Deferred.Deferred<void, E>
  entry: Entry<A> | undefined
}

/** Timers know no more than 24 days. */
const longestSleep = Duration.toMillis("1 day")

/** From 1 s up to 30 s. */
const backoff = (failures: number): number => Math.min(30_000, 1000 * 2 ** (failures - 1))

export class Pool<A, E> {
  readonly #hooks: PoolHooks<A, E>
  readonly #limits: PoolLimits
  readonly #creations = new Jobs()
  readonly #removals = new Jobs()
  readonly #work = new Jobs()
  /** A set keeps the order of arrival. */
  readonly #waiters = new Set<Waiter<A, E>>()
  /** All values that are not being removed. */
  readonly #entries = new Set<Entry<A>>()
  readonly #idle: Array<Entry<A>> = []
  #borrowed = 0
  /** Values that exist or are being created or removed: places that are taken. */
  #size = 0
  /** Values that are being created, checked or reset, and may serve who waits. */
  #coming = 0
  /** Creates that failed since the last one that did not. */
  #failures = 0
  /** Before that time nothing is created, in milliseconds since the epoch. */
  #pausedUntil = 0
  #isPausing = false
  /** The minimum is no longer kept ready. */
  #isHopeless = false
  #isReaping = false
  #isEnded = false

  constructor(hooks: PoolHooks<A, E>, limits: PoolLimits) {
    this.#hooks = hooks
    this.#limits = limits
  }

  readonly stats: Effect.Effect<PoolStats> = Effect.sync(() => ({
    size: this.#size,
    idle: this.#idle.length,
    borrowed: this.#borrowed,
    waiting: this.#waiters.size
  }))

  /** Creates the minimum in the background. */
  readonly start: Effect.Effect<void> = Effect.suspend(() => this.#balance)

  /** Takes a value. The wait is interruptible. */
  readonly take: Effect.Effect<Entry<A>, E> = Effect.uninterruptible(Effect.suspend(() => {
    if (this.#isEnded) return Effect.fail(this.#hooks.ended())
    const waiter: Waiter<A, E> = { granted: Deferred.unsafeMake(FiberId.none), entry: undefined }
    this.#waiters.add(waiter)
    return Effect.zipRight(
      this.#balance,
      Effect.flatMap(Effect.exit(Effect.interruptible(this.#await(waiter))), (exit) => this.#leave(waiter, exit))
    )
  }))

  /** Takes a value back. One that met a defect is removed. */
  giveBack(entry: Entry<A>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.suspend(() => {
      this.#borrowed -= 1
      if (this.#isEnded) return this.#tell
      if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) return this.#discard(entry)
      const { reset } = this.#hooks
      if (reset === undefined) return this.#rest(entry)
      return this.#prepare(entry, reset(entry.value), this.#rest(entry))
    }))
  }

  /** Refuses who waits, and starts the removal of all values. */
  readonly end: Effect.Effect<void> = Effect.uninterruptible(Effect.suspend(() => {
    this.#isEnded = true
    for (const { granted } of this.#waiters) Deferred.unsafeDone(granted, Effect.fail(this.#hooks.ended()))
    this.#waiters.clear()
    const removed = Effect.suspend(() =>
      Effect.forEach([...this.#entries], ({ value }) => this.#hooks.removeAtEnd(value), { discard: true })
    )
    // A create that is interrupted ends at once, and one that was faster has put its value among the others by then.
    const { stop, wait } = this.#creations
    const told = this.#hooks.onChange({ size: 0, idle: 0, borrowed: 0, waiting: 0 })
    return Effect.all([removed, this.#work.stop, stop, wait, removed, this.#removals.wait, told], { discard: true })
  }))

  #await({ granted }: Waiter<A, E>): Effect.Effect<void, E> {
    const { maxWait } = this.#limits
    if (!Duration.isFinite(maxWait)) return Deferred.await(granted)
    return Effect.timeoutFail(Deferred.await(granted), {
      duration: maxWait,
      onTimeout: () => this.#hooks.exhausted(Duration.toMillis(maxWait))
    })
  }

  /** A value that was granted to somebody who had given up goes to the next. */
  #leave(waiter: Waiter<A, E>, exit: Exit.Exit<void, E>): Effect.Effect<Entry<A>, E> {
    this.#waiters.delete(waiter)
    const { entry } = waiter
    if (Exit.isSuccess(exit) && entry !== undefined) return Effect.succeed(entry)
    const failure = Exit.isFailure(exit) ? Effect.failCause(exit.cause) : Effect.interrupt
    if (entry === undefined || this.#isEnded) return failure
    this.#borrowed -= 1
    return Effect.zipRight(this.#offer(entry), failure)
  }

  /** Brings values on the way for all who wait and for the minimum, as far as there are places. */
  readonly #balance: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const jobs: Array<Effect.Effect<unknown>> = []
    while (!this.#isEnded && this.#coming < this.#waiters.size) {
      const entry = this.#idle.shift()
      if (entry !== undefined) jobs.push(this.#isOld(entry, now) ? this.#discard(entry) : this.#lend(entry))
      else if (this.#mayCreate(now)) jobs.push(this.#create())
      else break
    }
    const min = this.#isEnded || this.#isHopeless ? 0 : this.#limits.min
    while (this.#size < min && this.#mayCreate(now)) jobs.push(this.#create())
    if (!this.#isEnded && now < this.#pausedUntil && !this.#isPausing) jobs.push(this.#pause(now))
    return Effect.zipRight(Effect.all(jobs, { discard: true }), this.#tell)
  })

  readonly #tell: Effect.Effect<void> = Effect.flatMap(this.stats, (stats) => this.#hooks.onChange(stats))

  #mayCreate(now: number): boolean {
    return this.#size < this.#limits.max && now >= this.#pausedUntil
  }

  /** The creates of a pool share one pause. */
  #pause(now: number): Effect.Effect<unknown> {
    this.#isPausing = true
    const done = Effect.suspend(() => {
      this.#isPausing = false
      return this.#balance
    })
    return this.#work.start(Effect.zipRight(Effect.sleep(this.#pausedUntil - now), Effect.uninterruptible(done)))
  }

  #create(): Effect.Effect<unknown> {
    this.#size += 1
    this.#coming += 1
    return this.#creations.start(
      Effect.uninterruptibleMask((restore) =>
        Effect.matchCauseEffect(restore(this.#hooks.create), {
          onSuccess: (value) => this.#onCreated(value),
          onFailure: (cause) => this.#onFailure(cause)
        })
      )
    )
  }

  #onCreated(value: A): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const entry: Entry<A> = { value, createdAt: now, idleSince: now }
      this.#coming -= 1
      this.#failures = 0
      this.#entries.add(entry)
      return this.#isEnded ? Effect.void : this.#offer(entry)
    })
  }

  /** Who waits longest hears of it, unless others on the way or borrowed values may serve everybody. */
  #onFailure(cause: Cause.Cause<E>): Effect.Effect<void> {
    this.#size -= 1
    this.#coming -= 1
    this.#failures += 1
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const error = Cause.failureOrCause(cause)
      const isQuota = error._tag === "Left" && this.#hooks.isQuota(error.left)
      const asked = error._tag === "Left" ? this.#hooks.pauseAfter(error.left) : 0
      this.#isHopeless ||= error._tag === "Left" && this.#hooks.isFinal(error.left)
      const [first] = this.#waiters
      const isTold = first !== undefined && this.#coming < this.#waiters.size && !(isQuota && this.#entries.size > 0)
      // What nobody hears of would be repeated at once, and again.
      if ((!isTold || isQuota) && !this.#isHopeless) {
        this.#pausedUntil = Math.max(this.#pausedUntil, now + Math.max(asked, backoff(this.#failures)))
      }
      if (isTold) {
        this.#waiters.delete(first)
        Deferred.unsafeDone(first.granted, Effect.failCause(cause))
      }
      const log = first === undefined && !this.#isEnded
        ? Effect.logWarning("A pool could not create what it keeps ready", Cause.pretty(cause))
        : Effect.void
      return Effect.zipRight(log, this.#balance)
    })
  }

  /** Checks a value that was idle, for who waits. */
  #lend(entry: Entry<A>): Effect.Effect<unknown> {
    return this.#prepare(entry, this.#hooks.check(entry.value), Effect.suspend(() => this.#offer(entry)))
  }

  /** Runs a check or a reset; its result is `false` for a value that must go. */
  #prepare(entry: Entry<A>, hook: Effect.Effect<boolean>, next: Effect.Effect<void>): Effect.Effect<void> {
    this.#coming += 1
    return Effect.asVoid(
      this.#work.start(Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.exit(restore(hook)), (exit) => {
          this.#coming -= 1
          if (this.#isEnded) return Effect.void
          return Exit.isSuccess(exit) && exit.value ? next : this.#discard(entry)
        })
      ))
    )
  }

  /** Gives a value that is fit to who waits longest. */
  #offer(entry: Entry<A>): Effect.Effect<void> {
    const [first] = this.#waiters
    if (first === undefined) return this.#rest(entry)
    this.#waiters.delete(first)
    this.#borrowed += 1
    first.entry = entry
    Deferred.unsafeDone(first.granted, Effect.void)
    return this.#tell
  }

  #rest(entry: Entry<A>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      entry.idleSince = now
      this.#idle.push(entry)
      return Effect.zipRight(this.#balance, this.#reap)
    })
  }

  #discard(entry: Entry<A>): Effect.Effect<void> {
    this.#entries.delete(entry)
    const freed = Effect.suspend(() => {
      this.#size -= 1
      return this.#balance
    })
    const removal = Effect.zipRight(Effect.exit(this.#hooks.remove(entry.value)), Effect.uninterruptible(freed))
    return Effect.zipRight(this.#removals.start(removal), this.#balance)
  }

  #isOld({ createdAt }: Entry<A>, now: number): boolean {
    return now - createdAt >= Duration.toMillis(this.#limits.maxAge)
  }

  /** When an idle value must go; those that the minimum needs go for their age alone. */
  #expiry({ createdAt, idleSince }: Entry<A>, isSpare: boolean): number {
    const { maxAge, maxIdle } = this.#limits
    return Math.min(createdAt + Duration.toMillis(maxAge), isSpare ? idleSince + Duration.toMillis(maxIdle) : Infinity)
  }

  /** Removes idle values when their time is up. It runs while there are any that can expire. */
  readonly #reap: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#isReaping || this.#isEnded) return Effect.void
    this.#isReaping = true
    return Effect.asVoid(this.#work.start(this.#reapAll))
  })

  readonly #reapAll: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const expired: Array<Entry<A>> = []
    let next = Infinity
    let spare = this.#size - this.#limits.min
    for (const entry of [...this.#idle]) {
      const expiry = this.#expiry(entry, spare > 0)
      if (expiry > now) next = Math.min(next, expiry)
      else {
        expired.push(entry)
        this.#idle.splice(this.#idle.indexOf(entry), 1)
        spare -= 1
      }
    }
    if (next === Infinity) this.#isReaping = false
    const discarded = Effect.uninterruptible(
      Effect.forEach(expired, (entry) => this.#discard(entry), { discard: true })
    )
    return next === Infinity
      ? discarded
      : Effect.zipRight(discarded, Effect.zipRight(Effect.sleep(Math.min(next - now, longestSleep)), this.#reapAll))
  })
}
