/** Deadlines hold whatever was interrupted before. */
import { AgbClient, AgbConfig, Transport } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, Scheduler } from "effect"

/** A client whose server never answers. */
const silent = AgbClient.make.pipe(
  Effect.provide(Layer.orDie(AgbConfig.layer({ apiKey: "akm-1" }))),
  Effect.provideService(Transport.Transport, {
    exchange: <E>({ onCancel }: Transport.Exchange<E>) =>
      Effect.async<never, E>((resume) => {
        const unregister = onCancel((error) => resume(Effect.fail(error)))
        return Effect.sync(unregister)
      })
  })
)

/** A yield takes ten operations itself. */
const everyNth = 11

/** Yields after every operation or two, which are a step, and acts before each step. */
class SteppingScheduler extends Scheduler.MixedScheduler {
  steps = 0
  #operations: number
  readonly #beforeStep: (nth: number) => void

  constructor(phase: number, beforeStep: (nth: number) => void) {
    super(2048)
    this.#operations = phase
    this.#beforeStep = beforeStep
  }

  override shouldYield(): number | false {
    this.#operations += 1
    return this.#operations % everyNth === 0 ? 0 : false
  }

  override scheduleTask(...[task, ...rest]: Parameters<Scheduler.MixedScheduler["scheduleTask"]>): void {
    super.scheduleTask(() => {
      this.#beforeStep(this.steps++)
      task()
    }, ...rest)
  }
}

/** Interrupts an effect before a step, and returns the number of its steps. */
const interruptedAt = <A, E>(step: number, phase: number, effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const scheduler: SteppingScheduler = new SteppingScheduler(phase, (nth) => {
      if (nth === step) fiber.unsafeInterruptAsFork(fiber.id())
    })
    const fiber: Fiber.RuntimeFiber<A, E> = Effect.runFork(Effect.zipRight(Effect.yieldNow(), effect), { scheduler })
    yield* Effect.exit(Fiber.join(fiber))
    return scheduler.steps
  })

describe("deadlines", () => {
  it.live("hold after an interruption at any step of another call", () =>
    Effect.forEach([0, 3, 6, 9], (phase) =>
      Effect.gen(function*() {
        const { getSession } = yield* silent
        const call = (timeout: number) => Effect.exit(getSession({ sessionId: "s-1" }, { timeout }))
        let steps = 0
        for (let step = 0; step <= steps; step += 1) {
          steps = yield* interruptedAt(step, phase, call(3))
          const later = yield* Effect.timeoutOption(call(6), 1000)
          assert.isTrue(Option.isSome(later) && Exit.isFailure(later.value), `interrupted before step ${step}`)
        }
        assert.isAbove(steps, 5)
      }), { concurrency: "unbounded" }))
})
