/** A stream as an async iterator that holds nothing once it is left, whichever way. */
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** Runs a step; it rejects with the error of the step or the reason of the signal. */
type Run<E, R> = <A>(effect: Effect.Effect<A, E, R>, signal: AbortSignal) => Promise<A>

/** The next values, or nothing at the end. */
const next = <A, E, R>(
  pull: Effect.Effect<Chunk.Chunk<A>, Option.Option<E>, R>
): Effect.Effect<Option.Option<Chunk.Chunk<A>>, E, R> =>
  Effect.matchEffect(pull, {
    onSuccess: (chunk) => Effect.succeedSome(chunk),
    onFailure: Option.match({ onNone: () => Effect.succeedNone, onSome: Effect.fail })
  })

/** Why a step is ended that nobody waits for any more. */
const left = Symbol("left")

async function* values<A, E, R>(
  run: Run<E, R>,
  stream: Stream.Stream<A, E, R>,
  signal: AbortSignal | undefined,
  stop: AbortController
) {
  const scope = Effect.runSync(Scope.make())
  const abort = () => stop.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener("abort", abort, { once: true })
  try {
    const pull = await run(Scope.extend(Stream.toPull(stream), scope), stop.signal)
    while (true) {
      const chunk = await run(next(pull), stop.signal)
      if (Option.isNone(chunk)) return
      yield* chunk.value
    }
  } catch (error) {
    if (error !== left) throw error
  } finally {
    signal?.removeEventListener("abort", abort)
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/**
 * The stream begins with the first `next`. `return`, which is what `break` calls, ends it at once, even while a `next` is
 * under way: that one then answers that it is done.
 */
export const iterate = <A, E, R>(
  run: Run<E, R>,
  stream: Stream.Stream<A, E, R>,
  signal: AbortSignal | undefined
): AsyncIterableIterator<A> => {
  const stop = new AbortController()
  const items = values(run, stream, signal, stop)
  return {
    next: () => items.next(),
    return: () => {
      stop.abort(left)
      return items.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
