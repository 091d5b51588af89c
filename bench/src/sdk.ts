// The SDK connected to an `agb-local`.
import type { Agb } from "@effect-agb/core"
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Effect, Exit, ManagedRuntime, Scope } from "effect"
import type { AgbLocal } from "./agbLocal.js"

export interface Sdk {
  readonly run: <A, E>(effect: Effect.Effect<A, E, Agb.Agb>) => Promise<A>
  /** A session, and how to delete it. */
  readonly open: () => Promise<{ readonly session: Session.Session; readonly close: () => Promise<void> }>
  readonly dispose: () => Promise<void>
}

export const connectSdk = ({ apiKey, endpoint }: AgbLocal): Sdk => {
  const runtime = ManagedRuntime.make(NodeAgb.layer({ apiKey, endpoint }))
  return {
    run: (effect) => runtime.runPromise(effect),
    open: async () => {
      const scope = Effect.runSync(Scope.make())
      const session = await runtime.runPromise(Session.make({ imageId: "bench" }).pipe(Scope.extend(scope)))
      return { session, close: () => runtime.runPromise(Scope.close(scope, Exit.void)) }
    },
    dispose: () => runtime.dispose()
  }
}
