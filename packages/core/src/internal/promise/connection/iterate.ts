/** Converts a stream to an async iterator that releases its resources however the iteration ends. */
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { RequestIdCell } from "../../client/requestId.js"
/** Runs an effect; rejects with its error or the reason of the signal. */
type Run<E, R> = <A>(effect: Effect.Effect<A, E, R>, signal: AbortSignal) => Promise<A>

/** Pulls the next chunk, or none at the end. */
const next = <A, E, R>(
  pull: Effect.Effect<Chunk.Chunk<A>, Option.Option<E>, R>
): Effect.Effect<Option.Option<Chunk.Chunk<A>>, E, R> =>
  Effect.matchEffect(pull, {
    onSuccess: (chunk) => Effect.succeedSome(chunk),
    onFailure: Option.match({ onNone: () => Effect.succeedNone, onSome: Effect.fail })
  })

/** An iterator whose values come by requests. */
export interface RequestIterator<A> extends AsyncIterableIterator<A> {
  /** Id of the last request, empty if none was made. */
  readonly requestId: string
}

/** Abort reason of a pull that is abandoned by `return`. */
const returned = Symbol("returned")

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
    if (error !== returned) throw error
  } finally {
    signal?.removeEventListener("abort", abort)
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/**
 * The stream starts with the first `next`. `return`, which `break` calls, ends it immediately; a pending `next` then
 * resolves as done.
 */
export const iterate = <A, E, R>(
  run: Run<E, R>,
  stream: Stream.Stream<A, E, R>,
  signal: AbortSignal | undefined,
  cell: RequestIdCell
): RequestIterator<A> => {
  const stop = new AbortController()
  const items = values(run, stream, signal, stop)
  return {
    get requestId() {
      return cell.value
    },
    next: () => items.next(),
    return: () => {
      stop.abort(returned)
      return items.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
