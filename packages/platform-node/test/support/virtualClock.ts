/**
 * A clock that jumps to the next sleeper as soon as nothing else is left to do. `TestClock` wakes one sleeper at a time
 * and waits several timer ticks for each, which is right for a few of them; a thousand sessions that fail, retry and
 * are interrupted sleep ten thousand times.
 *
 * It is only for programs that wait for nothing but Effect's own scheduler and clock.
 */
import { Clock, Duration, Effect, Layer, Scheduler } from "effect"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Sleepers are woken together when they are due within this time. */
const grain = 10

const nanos = (millis: number): bigint => BigInt(Math.trunc(millis * 1_000_000))

/** Knows whether anything is left to do. */
class CountingScheduler extends Scheduler.MixedScheduler {
  waiting = 0

  override scheduleTask(...[task, ...rest]: Parameters<Scheduler.MixedScheduler["scheduleTask"]>): void {
    this.waiting += 1
    super.scheduleTask(() => {
      this.waiting -= 1
      task()
    }, ...rest)
  }
}

class VirtualClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  private millis = 1_700_000_000_000
  private readonly sleepers = new Set<Sleeper>()
  private stopped = false
  private readonly scheduler: CountingScheduler

  constructor(scheduler: CountingScheduler) {
    this.scheduler = scheduler
  }

  unsafeCurrentTimeMillis = (): number => this.millis
  unsafeCurrentTimeNanos = (): bigint => nanos(this.millis)
  readonly currentTimeMillis = Effect.sync(this.unsafeCurrentTimeMillis)
  readonly currentTimeNanos = Effect.sync(this.unsafeCurrentTimeNanos)

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async((resume) => {
      const sleeper: Sleeper = { at: this.millis + Duration.toMillis(duration), wake: () => resume(Effect.void) }
      this.sleepers.add(sleeper)
      return Effect.sync(() => this.sleepers.delete(sleeper))
    })
  }

  private advance(): void {
    if (this.sleepers.size === 0) return
    const next = [...this.sleepers].reduce((first, { at }) => Math.min(first, at), Infinity)
    if (next === Infinity) return
    this.millis = Math.max(this.millis, Math.ceil(next / grain) * grain)
    for (const sleeper of [...this.sleepers].filter(({ at }) => at <= this.millis).sort((a, b) => a.at - b.at)) {
      this.sleepers.delete(sleeper)
      sleeper.wake()
    }
  }

  readonly run = (): void => {
    if (this.stopped) return
    if (this.scheduler.waiting === 0) this.advance()
    setImmediate(this.run)
  }

  stop(): void {
    this.stopped = true
  }
}

const started = () => {
  const scheduler = new CountingScheduler(2048)
  const clock = new VirtualClock(scheduler)
  clock.run()
  return { clock, scheduler }
}

/** Runs a program, and everything that it forks, in virtual time. */
export const withVirtualClock = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const { clock, scheduler } = started()
    return program.pipe(
      Effect.withClock(clock),
      Effect.withScheduler(scheduler),
      Effect.ensuring(Effect.sync(() => clock.stop()))
    )
  })

/** Virtual time for what is built on this layer, and for what runs on a runtime of it. */
export const layerVirtualClock: Layer.Layer<never> = Layer.unwrapScoped(
  Effect.map(
    Effect.acquireRelease(Effect.sync(started), ({ clock }) => Effect.sync(() => clock.stop())),
    ({ clock, scheduler }) => Layer.merge(Layer.setClock(clock), Layer.setScheduler(scheduler))
  )
)
