/**
 * A session: a remote, isolated machine that costs money until it is deleted. `make`, `layer` and `use` delete it when
 * their scope ends, however it ends; `attach` uses one that somebody else owns.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Agb } from "./Agb.js"
import type { ClientError } from "./AgbError.js"
import type { Code } from "./Code.js"
import type { Command } from "./Command.js"
import type { Input } from "./CreateSessionParams.js"
import type { FileSystem } from "./FileSystem.js"
import * as sessions from "./internal/session/session.js"

export {
  /**
   * How `getLink` is asked.
   *
   * @since 0.1.0
   * @category models
   */
  type GetLinkOptions,
  /**
   * What `info` says.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionInfo
} from "./internal/session/session.js"

/**
 * A session and its modules. Every call fails with `SessionLostError` once the session is gone.
 *
 * @since 0.1.0
 * @category models
 */
export type Session = sessions.Session

/**
 * @since 0.1.0
 * @category tags
 */
export const Session = sessions.Session

/**
 * Creates a session and deletes it when the scope ends: after success, failure, interruption and timeout alike. When
 * the wait for the server is interrupted it ends at once, and what the server may have created is found and deleted in
 * the background, at the latest before the `Agb` layer ends.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (params: Input): Effect.Effect<Session, ClientError, Agb | Scope.Scope> =>
  Effect.flatMap(Agb, (agb) => agb.scoped(params)).pipe(Effect.withSpan("Session.make", { captureStackTrace: false }))

/**
 * A session that somebody else owns: nothing is deleted and nothing kept alive.
 *
 * @since 0.1.0
 * @category constructors
 */
export const attach = (sessionId: string): Effect.Effect<Session, ClientError, Agb> =>
  Effect.flatMap(Agb, (agb) => agb.attach(sessionId))

/**
 * Creates a session, uses it and deletes it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const use = <A, E, R>(
  params: Input,
  f: (session: Session) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | ClientError, R | Agb> => Effect.scoped(Effect.flatMap(make(params), f))

/**
 * A session and its modules as services, for as long as the layer lives. Keep the layer in a constant: each call of
 * this function is another session.
 *
 * @example
 * ```ts
 * import { Code, Session } from "@effect-agb/core"
 * import { Effect } from "effect"
 *
 * export const program = Effect.flatMap(Code.Code, (code) => code.runCode("1 + 1", "python")).pipe(
 *   Effect.provide(Session.layer({ imageId: "agb-code-space-1" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  params: Input
): Layer.Layer<Session | Code | Command | FileSystem, ClientError, Agb> =>
  Layer.scopedContext(Effect.map(make(params), sessions.toContext))
