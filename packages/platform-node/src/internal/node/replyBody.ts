/** The body of a reply as a stream of what has arrived, without a promise or an effect per piece. */
import type { ExchangeError } from "@effect-agb/core/Transport"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

type Pull = Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<ExchangeError>>

/** Collects pieces as they arrive; a reader takes all that there are. */
export class ReplyBody {
  #pieces: Array<Uint8Array> = []
  #size = 0
  #end: Exit.Exit<never, Option.Option<ExchangeError>> | undefined
  #waiting: (() => void) | undefined
  #isPaused = false
  #isWaking = false
  readonly #maxBytes: number
  readonly #pause: () => void
  readonly #resume: () => void

  /** `pause` and `resume` are called where more than `maxBytes` wait to be read, and when they have been. */
  constructor(maxBytes: number, pause: () => void, resume: () => void) {
    this.#maxBytes = maxBytes
    this.#pause = pause
    this.#resume = resume
  }

  /** Whoever waits is woken when all that has come by then is here. */
  push(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#size += piece.length
    if (this.#size >= this.#maxBytes && !this.#isPaused) {
      this.#isPaused = true
      this.#pause()
    }
    if (this.#waiting === undefined || this.#isWaking) return
    this.#isWaking = true
    setImmediate(() => this.#wake())
  }

  /** Without an error the body is complete. */
  end(error?: ExchangeError): void {
    this.#end ??= Exit.fail(Option.fromNullable(error))
    this.#wake()
  }

  get stream(): Stream.Stream<Uint8Array, ExchangeError> {
    return Stream.fromPull(Effect.succeed(this.#pull))
  }

  readonly #pull: Pull = Effect.suspend(() => this.#take() ?? this.#next)

  readonly #next: Pull = Effect.async((resume) => {
    this.#waiting = () => resume(this.#pull)
    return Effect.sync(() => {
      this.#waiting = undefined
    })
  })

  #take(): Pull | undefined {
    if (this.#size === 0) return this.#end
    const pieces = this.#pieces
    this.#pieces = []
    this.#size = 0
    if (this.#isPaused) {
      this.#isPaused = false
      this.#resume()
    }
    return Effect.succeed(Chunk.unsafeFromArray(pieces))
  }

  #wake(): void {
    this.#isWaking = false
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }
}
