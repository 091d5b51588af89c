/** How the bytes of a file get into a session and out of it. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
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

/** A range of a file, which is on its way, and what is known of the file. */
export interface OpenRange {
  /** The size of the whole file. */
  readonly size: number
  readonly length: number
  /** Exactly `length` bytes, or a failure. */
  readonly bytes: Stream.Stream<Uint8Array, FileSystemError>
  /** The same from the beginning, where they need no stream: each time the next piece, which is empty at the end. */
  readonly pull?: (() => Effect.Effect<Uint8Array, FileSystemError>) | undefined
  /** Reads all of them into a buffer of that length: a shorter way than `bytes`, where there is one. */
  readonly fill?: ((target: Uint8Array) => Effect.Effect<void, FileSystemError>) | undefined
  /** Gives back the memory of bytes that are not needed any more. */
  readonly release?: ((bytes: Uint8Array) => void) | undefined
  readonly mode?: number | undefined
  /** In milliseconds since the epoch. */
  readonly mtime?: number | undefined
  /** Whether the file certainly stayed as it was while the range was read, once it is. */
  readonly isStable: Effect.Effect<boolean>
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
  /** The same of so many bytes that are read while the file is opened. */
  readonly writeRead?: <E, R>(
    operation: string,
    path: string,
    size: number,
    content: Effect.Effect<Uint8Array, E, R>,
    options: WriteOptions
  ) => Effect.Effect<void, FileSystemError | E, R>
  readonly open: (
    operation: string,
    path: string,
    options: WriteOptions
  ) => Effect.Effect<OpenFile, FileSystemError, Scope.Scope>
  /** Writes a stream in one request. */
  readonly send?: <E, R>(
    operation: string,
    path: string,
    content: Stream.Stream<Uint8Array, E, R>,
    options: WriteOptions
  ) => Effect.Effect<void, FileSystemError | E, R>
  /** Opens what there is of a range in one request; none where the server does not describe files. */
  readonly openRange?: (
    operation: string,
    path: string,
    offset: number,
    bytesToRead: number
  ) => Effect.Effect<Option.Option<OpenRange>, FileSystemError, Scope.Scope>
  /** Streams a range that lies within the file: exactly `length` bytes, or a failure. */
  readonly read: (
    operation: string,
    path: string,
    offset: number,
    length: number
  ) => Stream.Stream<Uint8Array, FileSystemError>
}
