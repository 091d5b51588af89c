/** How a transfer opens files: in the one request that also says what they are, where the session can do that. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { FileSystemError } from "../fileErrors.js"
import type { OpenRange } from "./fileRoute.js"

export interface Opening {
  /** With no bytes to read it only describes the file. */
  readonly open: (
    operation: string,
    path: string,
    bytesToRead: number
  ) => Effect.Effect<Option.Option<OpenRange>, FileSystemError, Scope.Scope>
  /** `writeFile` of so many bytes that are read while the file is opened; none where they have to be there before. */
  readonly writeRead?:
    | (<E, R>(
      path: string,
      size: number,
      content: Effect.Effect<Uint8Array, E, R>,
      permissions: number
    ) => Effect.Effect<void, FileSystemError | E, R>)
    | undefined
}

const openings = new WeakMap<object, Opening>()

/** Tells how files of a session are opened, beside the methods for them. */
export const attach = <A extends object>(files: A, opening: Opening): A => {
  openings.set(files, opening)
  return files
}

export const of = (files: object): Opening | undefined => openings.get(files)
