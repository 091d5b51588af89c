/** What every operation of the agent has in common: it takes a call and returns one reply, or throws a Failure. */
import type { Marks } from "../../src/internal/agentWire/marks.js"
import type { Args } from "./args.js"
import type { Output, Sink } from "./connection.js"

export interface Config {
  readonly home: string
  readonly tmp: string
  /** The whole environment of user processes. */
  readonly env: Readonly<Record<string, string>>
  /** Where commands and kernels start; the home directory by default. */
  readonly workdir?: string
  /** Absolute paths. */
  readonly interpreters: Readonly<Record<string, string | undefined>>
  /** `memoryBytes` is the limit of the whole session. */
  readonly limits: { readonly maxOutputBytes: number; readonly memoryBytes?: number }
  /** Where the agent listens for outgoing connections of the session, if it may have any. */
  readonly proxy?: { readonly host: string; readonly port: number }
  /** Whether the agent itself must keep file operations within home and tmp, because it has no root directory of its own. */
  readonly confine?: boolean
  /** The marks of what it starts; by default those of a session among other processes. */
  readonly marks?: Marks
}

export interface Agent {
  readonly config: Config
  readonly output: Output
  /** Receive what the host sends to a running call, by the id of the call. */
  readonly inputs: Map<number, (args: Args) => Sink | undefined>
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

/** An operation whose request has a body, which arrives in chunks before the reply is made. */
export interface Upload {
  readonly write: (chunk: Buffer) => void
  readonly end: () => Reply
}
