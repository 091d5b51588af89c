/** The reader's side of one streamed run: frames that wait for the reader, and the time that the run has left. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ClientError } from "../../AgbError.js"
import * as timers from "../client/deadline/timer.js"
import { isLast, type RunFrame } from "../wire/runFrames.js"

/** The connection was lost or given up after the run may have started. */
export interface RunLost {
  readonly _tag: "RunLost"
  readonly detail: string
}

export const runLost = (detail: string): RunLost => ({ _tag: "RunLost", detail })

export type RunFailure = RunLost | ClientError

/** Characters that may wait for a reader before reading from the socket pauses. */
export const pauseAt = 2 ** 20

type Taken = Effect.Effect<ReadonlyArray<RunFrame>, Option.Option<RunFailure>>

export class RunCall {
  readonly id: string
  readonly #clock: Clock.Clock
  readonly #onRead: () => void
  readonly #onTimeout: () => void
  #queue: Array<RunFrame> = []
  #waiting = 0
  #last: RunFrame | undefined
  #failure: RunFailure | undefined
  #isFinished = false
  #wake: (() => void) | undefined
  #leftMillis: number
  #startedAt: number | undefined
  #stopTimer: (() => void) | undefined

  constructor(
    options: {
      readonly id: string
      readonly clock: Clock.Clock
      readonly timeoutMillis: number
      /** Called when the reader has taken all that was waiting. */
      readonly onRead: () => void
      /** Called when the time is over. */
      readonly onTimeout: () => void
    }
  ) {
    this.id = options.id
    this.#clock = options.clock
    this.#leftMillis = options.timeoutMillis
    this.#onRead = options.onRead
    this.#onTimeout = options.onTimeout
  }

  /** Characters of the messages that wait for the reader. */
  get waiting(): number {
    return this.#waiting
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.#last !== undefined || this.#failure !== undefined
  }

  /** The time of the run passes only while its messages can arrive. */
  startTimer(): void {
    if (this.isOver || this.#stopTimer !== undefined) return
    this.#startedAt = this.#clock.unsafeCurrentTimeMillis()
    this.#stopTimer = timers.start(this.#clock, this.#leftMillis, this.#onTimeout)
  }

  stopTimer(): void {
    if (this.#stopTimer === undefined) return
    this.#stopTimer()
    this.#stopTimer = undefined
    this.#leftMillis = Math.max(
      0,
      this.#leftMillis - (this.#clock.unsafeCurrentTimeMillis() - (this.#startedAt ?? 0))
    )
  }

  offer(frame: RunFrame, size: number): void {
    if (this.isOver) return
    if (isLast(frame)) {
      this.#last = frame
      this.stopTimer()
    } else {
      this.#queue.push(frame)
      this.#waiting += size
    }
    this.#wake?.()
  }

  /** Fails once what was received before has been read. */
  fail(failure: RunFailure): void {
    if (this.isOver) return
    this.#failure = failure
    this.stopTimer()
    this.#wake?.()
  }

  /** Waits for frames; the last one comes alone. Fails with `None` after it. */
  readonly take: Taken = Effect.suspend((): Taken => {
    const taken = this.#takeNow()
    if (taken !== undefined) return taken
    const arrived = Effect.async<void>((resume) => {
      this.#wake = () => {
        this.#wake = undefined
        resume(Effect.void)
      }
      return Effect.sync(() => {
        this.#wake = undefined
      })
    })
    return Effect.zipRight(arrived, this.take)
  })

  #takeNow(): Taken | undefined {
    if (this.#queue.length > 0) {
      const frames = this.#queue
      this.#queue = []
      this.#waiting = 0
      this.#onRead()
      return Effect.succeed(frames)
    }
    if (this.#isFinished) return Effect.fail(Option.none())
    if (this.#last !== undefined) {
      this.#isFinished = true
      return Effect.succeed([this.#last])
    }
    return this.#failure === undefined ? undefined : Effect.fail(Option.some(this.#failure))
  }
}
