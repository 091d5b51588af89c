/**
 * A session: a remote, isolated machine that incurs costs until it is deleted. `make`, `layer` and `use` delete it when their
 * scope ends; `attach` uses a session of another owner.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Agb } from "./Agb.js"
import type { ClientError } from "./AgbError.js"
import type { Code } from "./Code.js"
import type { Command } from "./Command.js"
import type { Input } from "./CreateSessionParams.js"
import type { FileSystem } from "./FileSystem.js"
import * as spans from "./internal/client/spans.js"
import * as sessions from "./internal/session/session.js"
import type { SessionRef } from "./SessionRef.js"

export {
  /**
   * The last synchronization of a directory with its context, in one direction.
   *
   * @since 0.1.0
   * @category models
   */
  type ContextSync,
  /**
   * The contexts of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionContexts,
  /**
   * Direction of a synchronization: `upload` saves the session in the context.
   *
   * @since 0.1.0
   * @category models
   */
  type SyncMode,
  /**
   * Options of `contexts.sync`.
   *
   * @since 0.1.0
   * @category models
   */
  type SyncOptions
} from "./internal/session/sessionContexts.js"

export {
  /**
   * Options of `reportMetrics`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  type ReportMetricsOptions,
  /**
   * Resource usage of a session. What the server does not report is none.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionMetrics
} from "./internal/session/sessionMetrics.js"

export {
  /**
   * Options of `getLink`.
   *
   * @since 0.1.0
   * @category models
   */
  type GetLinkOptions,
  /**
   * Known protocols of a link; servers may accept others.
   *
   * @since 0.1.0
   * @category models
   */
  type LinkProtocol,
  /**
   * The URL to view a session in a browser and, for desktop images, the connection parameters of the viewer.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionInfo,
  /**
   * Links to the ports of a session.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionLink,
  /**
   * Known statuses of a session; servers may report others.
   *
   * @since 0.1.0
   * @category models
   */
  type SessionStatus,
  /**
   * Options of `link.waitFor`.
   *
   * @since 0.1.0
   * @category models
   */
  type WaitForLinkOptions
} from "./internal/session/session.js"

/**
 * A session and its modules. Once the session is lost, every call fails with `SessionLostError`.
 *
 * @since 0.1.0
 * @category models
 */
export type Session = sessions.Session

/**
 * Tag of the session.
 *
 * @since 0.1.0
 * @category tags
 */
export const Session = sessions.Session

/**
 * Creates a session and deletes it when the scope ends, on success, failure and interruption. Sessions of one scope are
 * deleted in parallel.
 *
 * An interruption of the create ends the wait immediately; a session that the server created nevertheless is found by its
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
      // Supervised: the wait is interruptible, and a create of unknown outcome is reconciled by its label.
      deletions.create(params),
      // Guaranteed: retried within `deleteBudget`, in parallel with the other sessions of the scope, which waits for all.
      deletions.start
    )
  }).pipe(spans.traced("Session.make"))

/**
 * Uses an existing session of another owner: it is neither kept alive nor deleted.
 *
 * @since 0.1.0
 * @category constructors
 */
export const attach = (sessionId: string): Effect.Effect<Session, ClientError, Agb> =>
  Effect.flatMap(Agb, (agb) => agb.attach(sessionId))

/**
 * Goes on with a session that another program created, e.g. by `Agb.ensure`: keeps it alive until the end of the scope, and
 * never deletes it. Fails with `SessionLostError` if it does not exist any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resume = (ref: SessionRef): Effect.Effect<Session, ClientError, Agb | Scope.Scope> =>
  Effect.flatMap(Agb, (agb) => agb.resume(ref))

/**
 * Creates a session, passes it to `f`, and deletes it when `f` ends.
 *
 * @since 0.1.0
 * @category combinators
 */
export const use = <A, E, R>(
  params: Input,
  f: (session: Session) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | ClientError, R | Agb> => Effect.scoped(Effect.flatMap(make(params), f))

/**
 * A session and its modules as services, for an effect that takes them from its context.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toContext: (session: Session) => Context.Context<Session | Code | Command | FileSystem> =
  sessions.toContext

/**
 * Layer of a session and its modules; the session lives as long as the layer. Provide it once, at the edge of the program:
 * each build of the layer creates another paid session.
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
  Layer.scopedContext(Effect.map(make(params), toContext))
