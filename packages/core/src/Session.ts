/**
 * A session: a remote, isolated machine that costs money until it is deleted. `make`, `layer` and `use` delete it when
 * their scope ends, however it ends; `attach` uses one that has another owner.
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
   * Options of `getLink`.
   *
   * @since 0.1.0
   * @category models
   */
  type GetLinkOptions,
  /**
   * Protocols of a link.
   *
   * @since 0.1.0
   * @category models
   */
  type LinkProtocol,
  /**
   * Where to open a session in a browser and, for a desktop image, how a viewer connects.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionInfo,
  /**
   * States in which a server reports a session.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionStatus
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
 * Creates a session and deletes it when the scope ends: after success, failure, interruption and timeout alike. Sessions
 * of one scope are deleted in parallel.
 *
 * An interruption of the create ends the wait at once; what the server may have created all the same is found by its
 * label and deleted in the background, at the latest before the `Agb` layer ends. A session that cannot be deleted is
 * logged, counted and listed in `Agb.undeleted`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (params: Input): Effect.Effect<Session, ClientError, Agb | Scope.Scope> =>
  Effect.gen(function*() {
    const agb = yield* Agb
    const deletions = yield* agb.deletions
    return yield* Effect.acquireRelease(
      // Supervised: interruptible while it waits, and a create of unknown outcome is settled by its label.
      Effect.tap(agb.create(params), deletions.own),
      // Guaranteed: retried inside `deleteBudget`, in parallel with the other sessions of the scope, which waits for all.
      deletions.start
    )
  }).pipe(Effect.withSpan("Session.make", { captureStackTrace: false }))

/**
 * A session that has another owner: it is neither deleted nor kept alive.
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
 * A session and its modules as services, for the lifetime of the layer. Provide it once, at the edge of the program: each
 * build of the layer is another paid session.
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
