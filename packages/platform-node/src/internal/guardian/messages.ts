/**
 * What a program and its guardian write to each other: lines of JSON over the pipes of the guardian. The API key goes this way
 * alone: arguments and environments of processes can be read by others.
 */

/** How the guardian reaches the server. Times are in milliseconds. */
export interface Account {
  readonly endpoint: string
  readonly apiKey: string
  readonly timeout: number
  readonly deleteBudget: number
  readonly maxResponseBytes: number
}

export interface GuardianSettings {
  /** Identifies the program that it guards; empty where programs have no identity. */
  readonly program: string
  /** Random; that of the guardian which this one replaces, if it replaces one. A program may have several guardians. */
  readonly lineage: string
  /** Where the journals are; absolute. */
  readonly directory: string | undefined
}

export type Kind = "attempt" | "session"

/** `watch` numbers the services of the program. */
export type ToGuardian =
  | readonly ["start", GuardianSettings]
  | readonly ["open", watch: number, Account]
  /** Nothing will be added. */
  | readonly ["close", watch: number]
  | readonly ["add" | "remove", watch: number, Kind, id: string]

export type FromGuardian =
  | readonly ["ready"]
  /** It cannot start. */
  | readonly ["failed", reason: string]
  | readonly ["warning", text: string]
  /** What became of the sessions that an earlier program had left behind. */
  | readonly ["swept", deleted: number, undeleted: ReadonlyArray<string>]

export const encode = (message: ToGuardian | FromGuardian): string => `${JSON.stringify(message)}\n`

/** Splits what arrives in pieces into lines; a last line without its end is not given out. */
export class Lines {
  #rest = ""
  readonly #onLine: (line: string) => void

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  readonly push = (text: string): void => {
    const lines = (this.#rest + text).split("\n")
    this.#rest = lines.pop() ?? ""
    for (const line of lines) this.#onLine(line)
  }
}

/** The other side is the same version of this package, so that its lines need no validation. */
export const decode = <M extends ToGuardian | FromGuardian>(line: string): M => JSON.parse(line) as M
