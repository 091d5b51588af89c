/** What a backend was asked for, in order. */
import type * as AgbApi from "../../../AgbApi.js"
import type { Language } from "../../../AgbTools.js"
import type { Point } from "../points.js"

/**
 * Something that happened in a session.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface Happening {
  readonly sessionId: string
  /** In milliseconds, by the clock of the test. */
  readonly at: number
}

/**
 * A session was created.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface SessionCreated extends Happening {
  readonly _tag: "SessionCreated"
  readonly imageId: string
  /** Without those of the SDK itself. */
  readonly labels: AgbApi.Labels
}

/**
 * A session was deleted.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface SessionDeleted extends Happening {
  readonly _tag: "SessionDeleted"
}

/**
 * A session ended because nobody used it for its idle timeout, or because the test said so.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface SessionExpired extends Happening {
  readonly _tag: "SessionExpired"
}

/**
 * A run of code that was asked for.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface CodeRun extends Happening {
  readonly _tag: "CodeRun"
  readonly language: Language
  readonly code: string
}

/**
 * A command that was executed, or started as a process.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface CommandRun extends Happening {
  readonly _tag: "CommandRun"
  readonly command: string
  readonly cwd: string
  readonly envs: Readonly<Record<string, string>>
}

/**
 * A request of the SDK over the API: an endpoint by its name, or the tool that it calls.
 *
 * @since 0.1.0
 * @category ledger
 */
export interface RequestReceived {
  readonly _tag: "RequestReceived"
  readonly point: Point
  readonly sessionId: string | undefined
  readonly at: number
}

/**
 * What the backend was asked for. Times are in milliseconds on the clock of the test.
 *
 * @since 0.1.0
 * @category ledger
 */
export type LedgerEntry = SessionCreated | SessionDeleted | SessionExpired | CodeRun | CommandRun | RequestReceived
