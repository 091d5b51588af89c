/** Relative paths, which agents and their sandboxes take and sessions do not. */
import type { ClientError } from "@effect-agb/core/AgbError"
import type { Command, ExecuteCommandError } from "@effect-agb/core/Command"
import type { FileSystem, FileSystemError } from "@effect-agb/core/FileSystem"
import * as Effect from "effect/Effect"
import { firstSuccess } from "./firstSuccess.js"

export type PathError = ClientError | ExecuteCommandError

export type Resolve = (path: string) => Effect.Effect<string, PathError>

const directoryOf = ({ executeCommand }: Command, command: string): Effect.Effect<string, PathError> =>
  Effect.map(executeCommand(command), ({ stdout }) => stdout.replace(/\n$/, ""))

/** The directory that commands start in; it is the same for the life of a session. */
export const baseDirectory = (command: Command): Effect.Effect<string, PathError> => directoryOf(command, "pwd")

/** Absolute paths are used as they are, others start at a directory. */
export const resolverFrom = (base: Effect.Effect<string, PathError>): Resolve => (path) =>
  path.startsWith("/") ?
    Effect.succeed(path) :
    Effect.map(base, (directory) =>
      path === "" || path === "."
        ? directory
        : `${directory === "/" ? "" : directory}/${path.replace(/^(\.\/+)+/, "")}`)

/** Relative paths start at the directory that commands start in. */
export const resolver = (command: Command): Resolve => resolverFrom(firstSuccess(baseDirectory(command)))

/** With `~` as shells have it, which models give as well. */
export const tildeResolver = (command: Command): Resolve => {
  const resolve = resolver(command)
  const home = firstSuccess(directoryOf(command, "cd && pwd"))
  return (path) => /^~(\/|$)/.test(path) ? Effect.map(home, (directory) => directory + path.slice(1)) : resolve(path)
}

const parentOf = (path: string): string => path.replace(/\/+[^/]*$/, "")

/** A stream can be read only once, so the directories must be there before. */
export const createParents = (files: FileSystem, path: string): Effect.Effect<void, FileSystemError> =>
  parentOf(path) === "" ? Effect.void : files.createDirectory(parentOf(path))
