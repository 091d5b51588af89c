/** What runs and commands answer: what `AgbTest` exports of the scripts of a test. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Language } from "../../../AgbTools.js"
import type { Files } from "./files.js"

/**
 * What a run prints, evaluates to or raises.
 *
 * @since 0.1.0
 * @category scripts
 */
export interface CodeOutput {
  readonly stdout?: string | undefined
  readonly stderr?: string | undefined
  /** The last value, as text. */
  readonly text?: string | undefined
  /** Displayed values, each by its MIME types, e.g. `{ "image/png": base64 }`. */
  readonly results?: ReadonlyArray<Readonly<Record<string, unknown>>> | undefined
  /** What the code raises. */
  readonly error?:
    | { readonly name: string; readonly value: string; readonly traceback?: string | undefined }
    | undefined
}

/**
 * What a command prints, and how it exits.
 *
 * @since 0.1.0
 * @category scripts
 */
export interface CommandOutput {
  readonly stdout?: string | undefined
  readonly stderr?: string | undefined
  /** Default: 0. */
  readonly exitCode?: number | undefined
  /** A TCP port on which a process listens from then on. */
  readonly port?: number | undefined
}

/**
 * What a run or a command answers: an output; a text, which is the last value of code and the standard output of a command; an
 * effect of one, e.g. one that takes its time; or a stream of pieces of one. What takes longer than the time limit of the call
 * times out, with the output so far.
 *
 * @since 0.1.0
 * @category scripts
 */
export type Answer<Output> =
  | string
  | Output
  | Effect.Effect<string | Output>
  | Stream.Stream<string | Output>

/**
 * What code and commands that a script answers have in common.
 *
 * @since 0.1.0
 * @category scripts
 */
export interface ScriptedCall {
  readonly sessionId: string
  /** How many calls with the same text there were before, in all sessions. */
  readonly nth: number
  /** The files of the session. */
  readonly files: Files
  /** The time limit. */
  readonly timeout: Duration.Duration
}

/**
 * A run of code that a script answers.
 *
 * @since 0.1.0
 * @category scripts
 */
export interface CodeCall extends ScriptedCall {
  readonly code: string
  readonly language: Language
}

/**
 * A command that a script answers.
 *
 * @since 0.1.0
 * @category scripts
 */
export interface CommandCall extends ScriptedCall {
  readonly command: string
  /** Default: `/home`. */
  readonly cwd: string
  readonly envs: Readonly<Record<string, string>>
  /** Standard input, as far as a process has one. */
  readonly stdin: Stream.Stream<Uint8Array>
}

/**
 * Answers a call; `undefined`: it is not scripted.
 *
 * @since 0.1.0
 * @category scripts
 */
export type Respond<Call, Output> = (call: Call) => Answer<Output> | undefined

/**
 * The answers by the text of the call, or a function for all calls.
 *
 * @since 0.1.0
 * @category scripts
 */
export type Script<Call, Output> =
  | Respond<Call, Output>
  | Readonly<Record<string, Answer<Output> | Respond<Call, Output>>>

/**
 * What runs of code answer.
 *
 * @since 0.1.0
 * @category scripts
 */
export type CodeScript = Script<CodeCall, CodeOutput>

/**
 * What commands and processes answer.
 *
 * @since 0.1.0
 * @category scripts
 */
export type CommandScript = Script<CommandCall, CommandOutput>

/**
 * Code that raises an error. Default traceback: the name and the value.
 *
 * @since 0.1.0
 * @category scripts
 */
export const raises = (name: string, value: string, traceback?: string): CodeOutput => ({
  error: traceback === undefined ? { name, value } : { name, value, traceback }
})
