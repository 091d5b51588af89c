/** Effects as the promises of those who abort by a signal. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"

/** Fails with the reason of the signal, when it is aborted. */
export const aborted = (signal: AbortSignal | undefined): Effect.Effect<never, unknown> =>
  signal === undefined ? Effect.never : Effect.async<never, unknown>((resume) => {
    const abort = () => resume(Effect.fail(signal.reason))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

/** Rejects with the typed error itself, and with the reason of the signal once what ran has been interrupted. */
export const promise = async <A, E>(effect: Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> => {
  // Nothing is begun for a signal that was aborted before.
  signal?.throwIfAborted()
  const exit = await Effect.runPromiseExit(Effect.raceFirst(effect, aborted(signal)))
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/** None where the file, or a directory of its path, does not exist. */
export const orNull = <A, E extends { readonly _tag: string }>(
  effect: Effect.Effect<A, E>
): Effect.Effect<A | null, E> =>
  Effect.catchIf(effect, ({ _tag }) => _tag === "FileNotFoundError", () => Effect.succeed(null))

/** What fails with a typed error errors with it. */
export const readable = <E>(stream: Stream.Stream<Uint8Array, E>, signal?: AbortSignal): ReadableStream<Uint8Array> =>
  Stream.toReadableStream(Stream.interruptWhen(stream, aborted(signal)))
