/** What an operation of the agent is: a call goes in, one reply comes out or a Failure is thrown. */
import * as Fs from "node:fs"
import type { Pipes } from "./process/pipes.js"
import type { Processes } from "./process/processes.js"
import type { Args } from "./wire/args.js"
import type { Output, Sink } from "./wire/connection.js"

export interface Config {
  readonly home: string
  readonly tmp: string
  /** The whole environment of user processes. */
  readonly env: Readonly<Record<string, string>>
  /** Where shell and kernels start; the home directory by default. */
  readonly workdir?: string
  /** Absolute paths. */
  readonly interpreters: Readonly<Record<string, string | undefined>>
  /** The memory is that of the session. */
  readonly limits: { readonly maxOutputBytes: number; readonly memoryBytes?: number }
  /** The session's way out, where it has one. */
  readonly proxy?: { readonly host: string; readonly port: number }
  /** Whether the file operations must keep to home and tmp themselves, since no root directory of their own does it. */
  readonly confine?: boolean
}

export interface Agent {
  readonly config: Config
  readonly output: Output
  /** What the host says to a call that runs, by the id of the call. */
  readonly inputs: Map<number, (args: Args) => Sink | undefined>
  readonly pipes: Pipes
  readonly processes: Processes
}

export interface Call {
  readonly id: number
  readonly args: Args
  /** Aborted when the host cancels the call. */
  readonly signal: AbortSignal
}

export interface Reply {
  readonly value: unknown
  readonly body?: ReadonlyArray<Uint8Array>
  /** A range of an open file, sent as the body; the file is closed afterwards. */
  readonly file?: { readonly fd: number; readonly offset: number; readonly length: number }
}

export type Operation = (call: Call, agent: Agent) => Promise<Reply>

/** Where commands and kernels start, made again where a session has removed it. */
export const workdirOf = ({ home, workdir = home }: Config) => {
  try {
    Fs.mkdirSync(workdir, { recursive: true })
  } catch { /* what is in the way is told when it is entered */ }
  return workdir
}
