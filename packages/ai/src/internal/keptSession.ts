/** One session for a whole conversation, had when it is first needed. */
import type { ClientError } from "@effect-agb/core/AgbError"
import type { Code } from "@effect-agb/core/Code"
import type { Command } from "@effect-agb/core/Command"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import type { Session } from "@effect-agb/core/Session"
import * as SessionPool from "@effect-agb/core/SessionPool"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { firstSuccess } from "./firstSuccess.js"

/** The services of a session that is acquired by the first call and released with the layer. */
export const layer = <R>(
  acquire: Effect.Effect<Session, ClientError, R | Scope.Scope>
): Layer.Layer<Code | Command | FileSystem, never, Exclude<R, Scope.Scope>> => {
  const pool = Effect.gen(function*() {
    const context = yield* Effect.context<R | Scope.Scope>()
    const session = firstSuccess(Effect.provide(acquire, context))
    return SessionPool.SessionPool.of({
      borrow: session,
      use: (f) => Effect.flatMap(session, f),
      stats: Effect.succeed({ size: 1, idle: 0, borrowed: 1, waiting: 0 })
    })
  })
  return SessionPool.layerSession.pipe(Layer.provide(Layer.scoped(SessionPool.SessionPool, pool)))
}
