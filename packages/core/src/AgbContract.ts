/**
 * What every backend owes its users, as cases that any test runner runs: sessions, code, commands, files, contexts. It is not part of
 * the index: import it from `@effect-agb/core/AgbContract`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Agb } from "./Agb.js"
import type { Language } from "./AgbTools.js"
import { code } from "./internal/contract/code.js"
import { command } from "./internal/contract/command.js"
import { contexts } from "./internal/contract/contexts.js"
import { files } from "./internal/contract/files.js"
import { lifecycle } from "./internal/contract/lifecycle.js"
import * as own from "./internal/contract/programs.js"

export {
  /**
   * A backend does not keep to the contract. Cases die with it.
   *
   * @since 0.1.0
   * @category errors
   */
  ContractViolation
} from "./internal/contract/assert.js"

export type {
  /**
   * A program of the contract, and what a session must answer to it.
   *
   * @since 0.1.0
   * @category models
   */
  CodeProgram,
  /**
   * What a program of the contract prints, evaluates to or raises.
   *
   * @since 0.1.0
   * @category models
   */
  CodeRun,
  /**
   * The programs of the contract in one language.
   *
   * @since 0.1.0
   * @category models
   */
  LanguagePrograms
} from "./internal/contract/programs.js"

/**
 * A case of the contract.
 *
 * @since 0.1.0
 * @category models
 */
export interface Case {
  /** Unique among the cases. */
  readonly name: string
  readonly group: "sessions" | "code" | "commands" | "files" | "contexts"
  /** The language that the backend must run for it, besides a POSIX shell. */
  readonly needs: Language | undefined
  /**
   * Dies with `ContractViolation`, or fails with whatever the backend failed with. It waits by the clock, at most a minute; a backend
   * that lives under a test's clock needs one that moves.
   */
  readonly run: Effect.Effect<void, unknown, Agb>
}

/**
 * Options of `cases`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How many sessions one case may have at the same time: at least 4. Default: 4. */
  readonly crowd?: number | undefined
}

/**
 * The cases, which do not depend on each other: they may share a backend and run at the same time. Sessions are created with the image
 * `agb-code-space-1`, and deleted; contexts too.
 *
 * ```ts
 * import * as AgbContract from "@effect-agb/core/AgbContract"
 * import { LocalAgb } from "@effect-agb/platform-node"
 * import { describe, it } from "@effect/vitest"
 * import { Effect } from "effect"
 *
 * describe("my backend", () => {
 *   for (const { name, needs, run } of AgbContract.cases()) {
 *     const test = needs === undefined || needs === "javascript" ? it.live : it.live.skip
 *     test(name, () => Effect.provide(run, LocalAgb.layer()), 60_000)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category cases
 */
export const cases = ({ crowd = 4 }: Options = {}): ReadonlyArray<Case> => {
  const groups = { sessions: lifecycle, code, commands: command, files, contexts } as const
  return Object.entries(groups).flatMap(([group, contract]) => {
    const found: Array<Case> = []
    contract(
      (name, body, needs) =>
        found.push({ name, group: group as keyof typeof groups, needs, run: Effect.scoped(Effect.suspend(body)) }),
      { crowd }
    )
    return found
  })
}

const { bytes, commands, java, javaPrograms, javascript, python, r, rPrograms } = own

/**
 * The programs and commands that the cases run, for a backend that only knows them by their text.
 *
 * @since 0.1.0
 * @category cases
 */
export const programs = { bytes, commands, java, javaPrograms, javascript, python, r, rPrograms } as const
