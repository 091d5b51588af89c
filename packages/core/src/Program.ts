/**
 * What a platform knows of the programs on its machine: the identity of the running one, which its sessions carry as a label,
 * and whether another one has ended. `Agb.sweep` relies on it. `NodeAgb` provides it; without it, programs are told apart by
 * nothing but the age of their sessions.
 *
 * This module may change in any release.
 *
 * @experimental
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

/**
 * `ended` only if it is certain: a program on another machine, or in another container, is `unknown`.
 *
 * @since 0.1.0
 * @category models
 */
export type ProgramStatus = "running" | "ended" | "unknown"

/**
 * Tag of the service.
 *
 * @since 0.1.0
 * @category tags
 */
export class Program extends Context.Tag("@effect-agb/core/Program")<Program, Program.Service>() {}

/**
 * Types of the service.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace Program {
  /**
   * Identifies programs.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Identifies the running program among all programs at all times: 1 to 64 characters of `a` to `z`, `0` to `9` and `-`.
     * None where the platform cannot tell.
     */
    readonly id: Effect.Effect<Option.Option<string>>
    /** Whether the program with an id is running. */
    readonly status: (id: string) => Effect.Effect<ProgramStatus>
  }
}
