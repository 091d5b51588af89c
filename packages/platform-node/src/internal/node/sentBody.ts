/** A stream that is sent as the body of a request, pulled as fast as the connection takes it. */
import type { Transfer } from "@effect-agb/core/Transport"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import { whenTaken } from "./takenBytes.js"

type SentStream<E> = Extract<Transfer<E>["body"], { readonly _tag: "Stream" }>

export class SentBody extends Readable {
  #isWanted = false
  #waiting: (() => void) | undefined
  #onPush: ((bytes: Uint8Array) => void) | undefined

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) this.#isWanted = true
    else waiting()
  }

  /** Sends all of a stream. Where that fails, the request does. */
  send<E>({ onTaken, stream }: SentStream<E>): Effect.Effect<void> {
    if (onTaken !== undefined) this.#onPush = (bytes) => whenTaken(bytes, () => onTaken(bytes))
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
        this.#onPush?.(bytes)
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
