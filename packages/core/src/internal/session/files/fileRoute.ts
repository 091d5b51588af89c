/** How the bytes of a file get into a session and out of it. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { FileSystemError } from "../fileErrors.js"

export type WriteMode = "overwrite" | "append" | "create_new"

export interface WriteOptions {
  readonly mode: WriteMode
  /** Permissions of the file. Default: those that it has, or those of a new file. */
  readonly permissions?: number | undefined
}

/** A file that is being written. Nothing is at its path before `commit`; without it, nothing is left. */
export interface OpenFile {
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, FileSystemError>
  readonly commit: Effect.Effect<void, FileSystemError>
}

export interface FileRoute {
  /** Whether large contents go in one request, and not in parts. */
  readonly isDirect: boolean
  /** Writes bytes that are in memory. */
  readonly write: (
    operation: string,
    path: string,
    bytes: Uint8Array,
    options: WriteOptions
  ) => Effect.Effect<void, FileSystemError>
  readonly open: (
    operation: string,
    path: string,
    options: WriteOptions
  ) => Effect.Effect<OpenFile, FileSystemError, Scope.Scope>
  /** Streams a range that lies within the file: exactly `length` bytes, or a failure. */
  readonly read: (
    operation: string,
    path: string,
    offset: number,
    length: number
  ) => Stream.Stream<Uint8Array, FileSystemError>
}
