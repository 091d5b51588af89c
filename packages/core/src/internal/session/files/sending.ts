/** A stream on its way to the server, watched over without an effect or a timer per piece. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ClientError } from "../../../AgbError.js"
import type { Cancellation } from "../../client/deadline/cancellation.js"
import * as timers from "../../client/deadline/timer.js"
import { cut, joined } from "./pieces.js"

/** The most bytes that are handed over at once: then it shows whether they move. */
export const pieceBytes = 4 * 1024 * 1024

/** An error of the stream itself, apart from those of the request. */
export class ContentFailure<E> {
  readonly error: E

  constructor(error: E) {
    this.error = error
  }
}

/** Runs a request, and cancels it where it does not move. */
export type WhileMoving = <A, E>(
  onCancel: Cancellation<ClientError>,
  call: (onCancel: Cancellation<ClientError>) => Effect.Effect<A, E>
) => Effect.Effect<A, E>

export class Sending<E> {
  /** Bytes that were handed over. */
  size = 0
  readonly #content: Stream.Stream<Uint8Array, E>
  /** Of the last chunk, in reverse. */
  #pieces: Array<Uint8Array> = []
  /** Whether the next piece is being waited for: then the connection holds nothing up. */
  #isWanted = false
  #onMove = () => {}

  constructor(content: Stream.Stream<Uint8Array, E>) {
    this.#content = content
  }

  /** One piece at a time, as the connection takes them. */
  get stream(): Stream.Stream<Uint8Array, ContentFailure<E>> {
    return Stream.fromPull(Effect.map(Stream.toPull(this.#content), (pull) => {
      const pulled = Effect.mapBoth(pull, {
        onFailure: (end) => this.#ended(end),
        onSuccess: (chunk) => this.#arrived(chunk)
      })
      return Effect.suspend(() => {
        const piece = this.#pieces.pop()
        if (piece !== undefined) return Effect.succeed(this.#given(piece))
        this.#isWanted = true
        return pulled
      })
    }))
  }

  /** The error is that of a request of which nothing moved for this long. */
  whileMoving(stall: Duration.Duration, error: () => ClientError): WhileMoving {
    return (onCancel, call) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.clockWith((clock) => {
          let cancel: ((error: ClientError) => void) | undefined
          let isLate = false
          let stop = () => {}
          const watch = () => {
            stop()
            stop = timers.start(clock, Duration.toMillis(stall), () => {
              if (this.#isWanted) return watch()
              isLate = true
              cancel?.(error())
            })
          }
          const orLate: Cancellation<ClientError> = (end) => {
            if (isLate) end(error())
            cancel = end
            return onCancel(end)
          }
          this.#onMove = watch
          watch()
          const unwatch = Effect.sync(() => {
            this.#onMove = () => {}
            stop()
          })
          return Effect.onExit(restore(call(orLate)), () => unwatch)
        })
      )
  }

  #arrived(chunk: Chunk.Chunk<Uint8Array>): Chunk.Chunk<Uint8Array> {
    const [first, ...rest] = joined(chunk).flatMap((bytes) => cut(bytes, pieceBytes))
    this.#pieces = rest.reverse()
    return first === undefined ? Chunk.empty() : this.#given(first)
  }

  #given(piece: Uint8Array): Chunk.Chunk<Uint8Array> {
    this.#move()
    this.size += piece.length
    return Chunk.of(piece)
  }

  #ended(end: Option.Option<E>): Option.Option<ContentFailure<E>> {
    this.#move()
    return Option.map(end, (error) => new ContentFailure(error))
  }

  #move() {
    this.#isWanted = false
    this.#onMove()
  }
}
