/** Relative paths, which sandboxes of agents take and sessions do not. */
import type { ClientError } from "@effect-agb/core/AgbError"
import type { Command, ExecuteCommandError } from "@effect-agb/core/Command"
import type { FileSystem, FileSystemError } from "@effect-agb/core/FileSystem"
import * as Effect from "effect/Effect"

export type PathError = ClientError | ExecuteCommandError

export type Resolve = (path: string) => Effect.Effect<string, PathError>

/** The directory that commands start in; it is the same for the life of a session. */
export const baseDirectory = ({ executeCommand }: Command): Effect.Effect<string, PathError> =>
  Effect.map(executeCommand("pwd"), ({ stdout }) => stdout.replace(/\n$/, ""))

/** Absolute paths are used as they are. */
export const resolver = (base: Effect.Effect<string, PathError>): Resolve => (path) =>
  path.startsWith("/") ?
    Effect.succeed(path) :
    Effect.map(base, (directory) =>
      path === "" || path === "."
        ? directory
        : `${directory === "/" ? "" : directory}/${path.replace(/^(\.\/+)+/, "")}`)

const parentOf = (path: string): string => path.replace(/\/+[^/]*$/, "")

/** A stream can be read only once, so the directories must be there before. */
export const createParents = (files: FileSystem, path: string): Effect.Effect<void, FileSystemError> =>
  parentOf(path) === "" ? Effect.void : files.createDirectory(parentOf(path))
