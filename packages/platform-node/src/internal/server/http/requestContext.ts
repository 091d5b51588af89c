/** What becomes known about a request while it is handled, for its log line and its `server-timing` header. */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import { randomUUID } from "node:crypto"

export interface RequestContext {
  /** The Host header, which has been checked. */
  host?: string | undefined
  requestId?: string
  /** Of a session that exists, never an unverified one. */
  sessionId?: string
  /** Name of a tool that exists. */
  tool?: string
  /** A text of the reply that is JSON already, and what stands for it. */
  encodedText?: EncodedText
  /** Where a person has asked for it, on the page of the session: is told the entry of the timeline. */
  onPageEntry?: (id: string) => void
  /** Time spent waiting for the sandbox. */
  sandboxMillis: number
}

export interface EncodedText {
  readonly placeholder: string
  /** A JSON string in UTF-8. */
  readonly json: Uint8Array
}

const current: FiberRef.FiberRef<RequestContext | undefined> = GlobalValue.globalValue(
  "@effect-agb/platform-node/requestContext",
  () => FiberRef.unsafeMake<RequestContext | undefined>(undefined)
)

/** Runs `effect` within the context of a request. */
export const withRequestContext =
  (context: RequestContext) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locally(effect, current, context)

/** The context of the current request, if there is one. */
export const currentRequest: Effect.Effect<RequestContext | undefined> = FiberRef.get(current)

/** Adds to the context of the current request, if there is one. */
export const annotateRequest = (annotations: Partial<RequestContext>): Effect.Effect<void> =>
  FiberRef.getWith(current, (context) =>
    Effect.sync(() => {
      if (context !== undefined) Object.assign(context, annotations)
    }))

/** A text for a reply that is a JSON string already: a placeholder, for which the sender of the reply puts it in. Nobody can know it. */
export const encodedText = (json: Uint8Array): Effect.Effect<string> =>
  Effect.suspend(() => {
    const placeholder = `encoded-${randomUUID()}`
    return Effect.as(annotateRequest({ encodedText: { placeholder, json } }), placeholder)
  })

/** The name by which the client of the current request calls this server. */
export const requestHost: Effect.Effect<string | undefined> = FiberRef.getWith(
  current,
  (context) => Effect.succeed(context?.host)
)

/** Counts the duration of `effect` as time spent in the sandbox. */
export const countSandboxTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  FiberRef.getWith(current, (context) => {
    if (context === undefined) return effect
    const began = performance.now()
    return Effect.ensuring(
      effect,
      Effect.sync(() => {
        context.sandboxMillis += performance.now() - began
      })
    )
  })
