/** Spans of requests and methods. No span is created when only Effect's default tracer is installed. */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"

const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Whether a tracer is installed. */
export const isTraced: Effect.Effect<boolean> = Effect.map(Effect.tracer, (tracer) => tracer !== defaultTracer)

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
        attributes: { "agb.attempts": 1, ...(sessionId === undefined ? {} : { "agb.session_id": sessionId }) }
      }),
      effect
    )

/** Wraps an effect in a span if a tracer is installed. Inside a span, an error of the caller would become a copy. */
export const traced = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  ifTraced(Effect.withSpan(effect, name, { captureStackTrace: false }), effect)

/** Adds attributes to a span. They are computed only if there is one. */
export type Annotate = (attributes: () => Readonly<Record<string, unknown>>) => Effect.Effect<void>

/** For what runs without the context of the current span, as the finalizers of a stream do. Annotates nothing if no tracer is installed. */
export const annotator: Effect.Effect<Annotate> = ifTraced(
  Effect.contextWith((context: Context.Context<never>): Annotate => {
    const span = Context.getOption(context, Tracer.ParentSpan)
    if (span._tag === "None" || span.value._tag !== "Span") return () => Effect.void
    const { value } = span
    return (attributes) =>
      Effect.sync(() => {
        for (const [name, given] of Object.entries(attributes())) value.attribute(name, given)
      })
  }),
  Effect.succeed(() => Effect.void)
)

/**
 * Adds attributes to the current span if a tracer is installed. `Effect.annotateCurrentSpan` makes an error with a stack trace
 * where there is no span.
 */
export const annotate: Annotate = (attributes) => Effect.flatMap(annotator, (annotate) => annotate(attributes))

/** Wraps a method in a span of its name if a tracer is installed. */
export const method = (name: string) =>
<Args extends ReadonlyArray<unknown>, A, E>(
  body: (...args: Args) => Effect.Effect<A, E>
): (...args: Args) => Effect.Effect<A, E> =>
(...args) => {
  const effect = Effect.suspend(() => body(...args))
  return ifTraced(Effect.withSpan(effect, name, { captureStackTrace: false }), effect)
}

/** Wraps a stream in a span if a tracer is installed. */
export const stream = (name: string) => <A, E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.unwrap(
    Effect.map(isTraced, (traced) => traced ? Stream.withSpan(self, name, { captureStackTrace: false }) : self)
  )
