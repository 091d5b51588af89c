/** Files of a server that runs on the same machine for the same user: its client reads and writes them itself, without the network. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

/** Files below this size are not worth the further requests. */
export const leastHandedBytes = 131_072

/** What the system refused: an error code such as `ENOSPC`. */
export interface SystemFailure {
  readonly _tag: "SystemFailure"
  readonly code: string
}

/** A file that is open in this process, until the scope in which it was opened ends. */
export interface SharedFile {
  /** The size in bytes when it was opened. */
  readonly size: number
  /** Type and permissions, as of stat(2). */
  readonly mode: number
  /** In milliseconds since the epoch. */
  readonly mtime: number
  /** Fills the target from a position of the file on, and returns how many bytes there were. */
  readonly read: (target: Uint8Array, position: number) => Effect.Effect<number, SystemFailure>
  /** Writes all of the bytes. What was opened to append to is written to at its end, wherever that is. */
  readonly write: (bytes: Uint8Array, position: number) => Effect.Effect<void, SystemFailure>
  /** Whether it certainly is as it was when it was opened. */
  readonly isUnchanged: Effect.Effect<boolean>
}

/** What the server lets be done with a file. */
export type Access = "read" | "write" | "append"

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Goes with one request for a file. */
export interface Ticket {
  /** The value of the header `x-file-handover`. */
  readonly header: string
  /**
   * Opens the file that the headers of the reply name. None where there is none, where this is not possible, and where it is not
   * what the server has vouched for, or the server has not proven what it is.
   */
  readonly open: (reply: Headers, access: Access) => Effect.Effect<Option.Option<SharedFile>, never, Scope.Scope>
}

/** A server that may be a process of the same user on this machine, and has to prove it. */
export interface Peer {
  /** A ticket for a session, until the scope ends. None where nothing can be asked. */
  readonly ticket: (sessionId: string) => Effect.Effect<Option.Option<Ticket>, never, Scope.Scope>
}
