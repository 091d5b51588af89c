/** What becomes known about a request while it is answered, for its line in the log and its `server-timing`. */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"

export interface RequestFacts {
  /** What the client calls this server: its Host header, which is checked before anything is done. */
  host?: string | undefined
  requestId?: string
  /** Of a session that exists, never what a client only claims. */
  sessionId?: string
  /** The name of a tool that exists. */
  tool?: string
  /** Time that the server waited for the sandbox. */
  sandboxMillis: number
}

const current: FiberRef.FiberRef<RequestFacts | undefined> = GlobalValue.globalValue(
  "@effect-agb/platform-node/requestFacts",
  () => FiberRef.unsafeMake<RequestFacts | undefined>(undefined)
)

/** What happens in `effect` is about the request with these facts. */
export const collect = (facts: RequestFacts) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.locally(effect, current, facts)

export const note = (facts: Partial<RequestFacts>): Effect.Effect<void> =>
  FiberRef.getWith(current, (known) =>
    Effect.sync(() => {
      if (known !== undefined) Object.assign(known, facts)
    }))

/** What the client of the request that is answered calls this server. */
export const requestHost: Effect.Effect<string | undefined> = FiberRef.getWith(
  current,
  (known) => Effect.succeed(known?.host)
)

/** Counts the time of `effect` as the sandbox's. */
export const inSandbox = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  FiberRef.getWith(current, (known) => {
    if (known === undefined) return effect
    const began = performance.now()
    return Effect.ensuring(
      effect,
      Effect.sync(() => {
        known.sandboxMillis += performance.now() - began
      })
    )
  })
