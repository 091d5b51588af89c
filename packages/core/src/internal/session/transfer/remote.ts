/** What a transfer asks the shell of a session for. */
import * as Effect from "effect/Effect"
import { FileError, type FileNotFoundError, ToolError } from "../../../AgbError.js"
import type { ExecuteCommandError } from "../../../Command.js"
import { visibleLines } from "../../wire/text/visibleText.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import { argumentsOf, type Places } from "../files/shellScript.js"
import type { Session } from "../session.js"
import * as scripts from "./scripts.js"

const timeout = "50 seconds"

const asFileError =
  (operation: string, path: string) => (error: ExecuteCommandError): Effect.Effect<never, FileSystemError> => {
    switch (error._tag) {
      case "CommandExitError": {
        const { requestId, stderr } = error
        return fromTool(path)(
          new ToolError({ operation, requestId, tool: "shell", detail: visibleLines(stderr.trim()) })
        )
      }
      case "ToolError":
        return fromTool(path)(error)
      case "ExecutionTimeoutError":
      case "ExecutionUnknownError":
        return new FileError({ operation, path, reason: "Other", detail: error.message, mayHaveHappened: true })
      default:
        return Effect.fail(error)
    }
  }

const run = (
  session: Session,
  operation: string,
  path: string,
  script: string,
  args: ReadonlyArray<string>,
  places: Places = [1]
): Effect.Effect<string, FileSystemError> =>
  session.command.executeCommand(`LC_ALL=C; export LC_ALL\n${argumentsOf(args, places)}${script}`, { timeout })
    .pipe(
      Effect.map(({ stdout }) => stdout),
      Effect.catchAll(asFileError(operation, path))
    )

/** Arguments of one command; several megabytes are more than any system takes. */
const maxArgumentsLength = 48_000

/** Groups of paths that fit into one command. */
export const batches = <A>(items: ReadonlyArray<A>, lengthOf: (item: A) => number): ReadonlyArray<ReadonlyArray<A>> => {
  const groups: Array<Array<A>> = []
  let room = 0
  for (const item of items) {
    const length = lengthOf(item) + 8
    if (length > room || groups.length === 0) {
      groups.push([])
      room = maxArgumentsLength
    }
    groups.at(-1)?.push(item)
    room -= length
  }
  return groups
}

const maxListBytes = 256 * 1024 * 1024

/** Records of what is at and below a path, each with a NUL after it. */
export const list = (session: Session, operation: string, root: string): Effect.Effect<Uint8Array, FileSystemError> =>
  Effect.acquireUseRelease(
    run(session, operation, root, scripts.list, [root, crypto.randomUUID()]),
    (file) => session.fileSystem.readFileBytes(file, { maxBytes: maxListBytes }),
    (file) => Effect.ignore(session.fileSystem.remove(file, { force: true }))
  )

/** Checksums of files in a session, as `Checksum` prints them; `-` for what is none, `!` for what cannot be read. */
export const checksums = (
  session: Session,
  operation: string,
  paths: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, string>, FileSystemError> =>
  Effect.map(
    Effect.forEach(batches(paths, (path) => path.length * 3), (group) =>
      Effect.map(run(session, operation, group[0] ?? "", scripts.checksum, group, "all"), (text) => {
        const lines = text.split("\n")
        return group.map((path, index) =>
          [path, lines[index]?.trim() ?? "?"] as const
        )
      })),
    (groups) => new Map(groups.flat())
  )

/** Fails unless a file of the session has this checksum. */
export const compare = (session: Session, operation: string, path: string, here: string, mayHaveHappened: boolean) =>
  Effect.flatMap(checksums(session, operation, [path]), (found): Effect.Effect<void, FileError> => {
    const there = found.get(path) ?? "?"
    if (there === here) return Effect.void
    const failed = (reason: FileError["reason"], detail: string) =>
      new FileError({ operation, path, reason, detail, mayHaveHappened })
    if (there === "!") return failed("PermissionDenied", "the session cannot read it, so it was not compared")
    if (there === "?") return failed("Other", "the session gave no checksum of it, so it was not compared")
    return failed("Changed", "its checksum differs from that of the local file")
  })

/** The checksum of the first bytes of a file. */
export const prefixChecksum = (session: Session, operation: string, path: string, bytes: number) =>
  Effect.map(
    run(session, operation, path, scripts.prefixChecksum, [path, String(bytes)]),
    (text) => text.trim()
  )

export const makeDirectories = (session: Session, operation: string, paths: ReadonlyArray<string>) =>
  Effect.forEach(
    batches(paths, (path) => path.length * 3),
    (group) => run(session, operation, group[0] ?? "", scripts.makeDirectories, group, "all"),
    { discard: true }
  )

/** Sets permissions in the order of the paths. */
export const setPermissions = (
  session: Session,
  operation: string,
  items: ReadonlyArray<{ readonly path: string; readonly permissions: number }>
) =>
  Effect.forEach(
    batches(items, ({ path }) => path.length * 3),
    (group) => {
      const args = group.flatMap(({ path, permissions }) => [permissions.toString(8), path])
      return run(
        session,
        operation,
        group[0]?.path ?? "",
        scripts.setPermissions,
        args,
        group.map((_, index) => 2 * index + 2)
      )
    },
    { discard: true }
  )

/** Moves a complete file to its place. */
export const publish = (
  session: Session,
  operation: string,
  part: string,
  path: string,
  permissions: number
): Effect.Effect<void, FileSystemError> =>
  Effect.asVoid(
    run(session, operation, path, scripts.publish, [part, path, permissions.toString(8)], [1, 2])
  )

export const isMissing = (error: FileSystemError): error is FileNotFoundError => error._tag === "FileNotFoundError"
