/**
 * What every backend owes its users, as cases that any test runner runs: sessions, code, commands, files, contexts, processes,
 * terminals, code contexts, transfers. It is not part of the index: import it from `@effect-agb/core/AgbContract`.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Agb } from "./Agb.js"
import type { Language } from "./AgbTools.js"
import { code } from "./internal/contract/code.js"
import { codeContexts } from "./internal/contract/codeContexts.js"
import { command } from "./internal/contract/command.js"
import { contexts } from "./internal/contract/contexts.js"
import type { Contract } from "./internal/contract/contractCase.js"
import { files } from "./internal/contract/files.js"
import { filesInShell } from "./internal/contract/filesInShell.js"
import { lifecycle } from "./internal/contract/lifecycle.js"
import { processes } from "./internal/contract/processes.js"
import * as own from "./internal/contract/programs.js"
import { terminals } from "./internal/contract/terminals.js"
import { transfers } from "./internal/contract/transfers.js"

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
  readonly group:
    | "sessions"
    | "code"
    | "commands"
    | "files"
    | "contexts"
    | "processes"
    | "terminals"
    | "codeContexts"
    | "transfers"
  /** The language that the backend must run for it. */
  readonly needs: Language | undefined
  /** What it needs that the options do not have, such as `java` or `a shell`: a runner skips it by that name. */
  readonly missing: string | undefined
  /**
   * Dies with `ContractViolation`, or fails with whatever the backend failed with. It waits by the clock, at most three minutes; a
   * backend that lives under a test's clock needs one that moves.
   */
  readonly run: Effect.Effect<void, unknown, Agb>
}

/**
 * Options of `cases`: what the backend has. They decide what is `missing`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How many sessions one case may have at the same time: at least 4. Default: 4. */
  readonly crowd?: number | undefined
  /** The languages that its sessions run. Default: all. */
  readonly languages?: ReadonlyArray<Language> | undefined
  /**
   * Whether its sessions run any command of a POSIX shell, on Linux with the usual tools. Otherwise processes, terminals, code contexts
   * and transfers are missing, which the SDK builds on a shell. Default: true.
   */
  readonly shell?: boolean | undefined
  /** The files of the machine that runs the cases, such as `NodeFileSystem.layer`. Without it transfers are missing. */
  readonly fileSystem?: Layer.Layer<FileSystem> | undefined
  /** How many random trees of files transfers move there and back. Default: 2. */
  readonly trees?: number | undefined
}

interface Group {
  readonly group: Case["group"]
  readonly contract: Contract
  readonly requires?: "shell" | "fileSystem"
}

const groups: ReadonlyArray<Group> = [
  { group: "sessions", contract: lifecycle },
  { group: "code", contract: code },
  { group: "commands", contract: command },
  { group: "files", contract: files },
  { group: "contexts", contract: contexts },
  { group: "files", contract: filesInShell, requires: "shell" },
  { group: "processes", contract: processes, requires: "shell" },
  { group: "terminals", contract: terminals, requires: "shell" },
  { group: "codeContexts", contract: codeContexts, requires: "shell" },
  { group: "transfers", contract: transfers, requires: "fileSystem" }
]

const missing = (
  { fileSystem, languages, shell = true }: Options,
  requires: Group["requires"],
  needs: Language | undefined
): string | undefined => {
  if (requires !== undefined && !shell) return "a shell"
  if (requires === "fileSystem" && fileSystem === undefined) return "a file system of this machine"
  return needs === undefined || languages === undefined || languages.includes(needs) ? undefined : needs
}

/**
 * The cases, which do not depend on each other: they may share a backend and run at the same time. Sessions are created with the image
 * `agb-code-space-1`, and deleted; contexts too. The backends of this SDK are tested by them.
 *
 * ```ts
 * import * as AgbContract from "@effect-agb/core/AgbContract"
 * import { LocalAgb } from "@effect-agb/platform-node"
 * import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
 * import { describe, it } from "@effect/vitest"
 * import { Effect } from "effect"
 *
 * const cases = AgbContract.cases({ languages: ["python", "javascript"], fileSystem: NodeFileSystem.layer })
 *
 * describe("my backend", () => {
 *   for (const { missing, name, run } of cases) {
 *     if (missing === undefined) it.live(name, () => Effect.provide(run, LocalAgb.layer()), 180_000)
 *     else it.skip(`${name}: needs ${missing}`, () => {})
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category cases
 */
export const cases = (options: Options = {}): ReadonlyArray<Case> => {
  const { crowd = 4, fileSystem, trees = 2 } = options
  return groups.flatMap(({ contract, group, requires }) => {
    const found: Array<Case> = []
    contract(
      (name, body, needs) =>
        found.push({
          name,
          group,
          needs,
          missing: missing(options, requires, needs),
          run: Effect.scoped(Effect.suspend(body))
        }),
      { crowd, fileSystem, trees }
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
