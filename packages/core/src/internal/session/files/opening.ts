/** How a transfer opens files: in the one request that also says what they are, where the session can do that. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { FileSystemError } from "../fileErrors.js"
import type { OpenRange } from "./fileRoute.js"

/** With no bytes to read it only describes the file. */
export type Open = (
  operation: string,
  path: string,
  bytesToRead: number
) => Effect.Effect<Option.Option<OpenRange>, FileSystemError, Scope.Scope>

const openers = new WeakMap<object, Open>()

/** Tells how files of a session are opened, beside the methods for them. */
export const attach = <A extends object>(files: A, open: Open): A => {
  openers.set(files, open)
  return files
}

export const of = (files: object): Open | undefined => openers.get(files)
