/** A stream that is sent as the body of a request, pulled as fast as the connection takes it. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"

export class SentBody extends Readable {
  #isWanted = false
  #waiting: (() => void) | undefined

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) this.#isWanted = true
    else waiting()
  }

  /** Sends all of a stream. Where that fails, the request does. */
  send<E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<void> {
    return Stream.runForEachChunk(stream, (chunk) => this.#offer(chunk)).pipe(
      Effect.exit,
      Effect.map((exit) => {
        if (exit._tag === "Success") this.push(null)
        else this.destroy(new Error("the stream that is sent has failed"))
      })
    )
  }

  #offer(chunk: Chunk.Chunk<Uint8Array>): Effect.Effect<void> {
    return Effect.forEach(Chunk.filter(chunk, (bytes) => bytes.length > 0), (bytes) => this.#next(bytes), {
      discard: true
    })
  }

  #next(bytes: Uint8Array): Effect.Effect<void> {
    return Effect.async((resume) => {
      const push = () => {
        this.#isWanted = false
        this.push(bytes)
        resume(Effect.void)
      }
      if (this.#isWanted) push()
      else this.#waiting = push
      return Effect.sync(() => {
        this.#waiting = undefined
      })
    })
  }
}
