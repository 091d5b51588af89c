/** Spans of requests and methods. No span is created when only Effect's default tracer is installed. */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Selects `traced` if a tracer is installed. */
export const ifTraced = <A, E, R>(
  traced: Effect.Effect<A, E, R>,
  untraced: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.tracerWith((tracer) => tracer === defaultTracer ? untraced : traced)

/** Wraps a request in a client span if a tracer is installed. */
export const request =
  (name: string, sessionId: string | undefined) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    ifTraced(
      Effect.withSpan(effect, name, {
        kind: "client",
        captureStackTrace: false,
        attributes: sessionId === undefined ? {} : { "agb.session_id": sessionId }
      }),
      effect
    )

/** Wraps an effect in a span if a tracer is installed. Inside a span, an error of the caller would become a copy. */
export const traced = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  ifTraced(Effect.withSpan(effect, name, { captureStackTrace: false }), effect)

/** Wraps a method in a span of its name if a tracer is installed. */
export const method = (name: string) =>
<Args extends ReadonlyArray<unknown>, A, E>(
  body: (...args: Args) => Effect.Effect<A, E>
): (...args: Args) => Effect.Effect<A, E> =>
(...args) => {
  const effect = Effect.suspend(() => body(...args))
  return ifTraced(Effect.withSpan(effect, name, { captureStackTrace: false }), effect)
}
