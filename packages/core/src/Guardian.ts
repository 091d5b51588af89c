/**
 * Who deletes the sessions of a program that has no chance to do so itself, e.g. after `kill -9`. It is told of each create
 * before its request is sent, and of each session before anybody can use it. `NodeAgb.layerGuardian` is a process that does so;
 * `Agb` tells whichever guardian is in its context.
 *
 * This module may change in any release.
 *
 * @experimental
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AgbConfig } from "./AgbConfig.js"

/**
 * Tag of the guardian.
 *
 * @since 0.1.0
 * @category tags
 */
export class Guardian extends Context.Tag("@effect-agb/core/Guardian")<Guardian, Guardian.Service>() {}

/**
 * Types of the guardian.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace Guardian {
  /**
   * What one `Agb` tells its guardian. Each call takes effect at once, does not wait and does not throw.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Watch {
    /** Sessions that carry this attempt label must be deleted. Told before the request of the create is sent. */
    readonly addAttempt: (label: string) => void
    /** The outcome of the attempt is known. A session that came of it was added before, or may outlive the program. */
    readonly removeAttempt: (label: string) => void
    /** The session must be deleted. */
    readonly addSession: (sessionId: string) => void
    /** The session is deleted. */
    readonly removeSession: (sessionId: string) => void
  }

  /**
   * Watches over the sessions of a program.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Starts to watch over the sessions of an account; what is left at the end of the scope is deleted at the end of the program. */
    readonly watch: (config: AgbConfig.Service) => Effect.Effect<Watch, never, Scope.Scope>
  }
}
