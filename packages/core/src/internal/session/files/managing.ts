/** Removing, copying and describing files and directories. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type { FileError } from "../../../AgbError.js"
import { InvalidRequestError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import { invalidRequest } from "../../client/checks/issues.js"
import * as requestChecks from "../../client/checks/requestChecks.js"
import type { FileInfo } from "../../wire/results/fileTexts.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import * as scripts from "./scripts.js"
import * as shellScript from "./shellScript.js"

export type FileType =
  | "File"
  | "Directory"
  | "SymbolicLink"
  | "BlockDevice"
  | "CharacterDevice"
  | "FIFO"
  | "Socket"
  | "Unknown"

/**
 * Type, size and attributes of a file or directory. What the session does not tell is none.
 */
export interface FileStat {
  readonly type: FileType
  /** In bytes. */
  readonly size: number
  /** Permissions as in `chmod`, for example `0o644`. */
  readonly mode: Option.Option<number>
  /** When the content was changed, mostly in whole seconds. */
  readonly mtime: Option.Option<Date>
  readonly owner: Option.Option<string>
  readonly group: Option.Option<string>
}

/** Checks the arguments of a tool. */
export const validate = <A extends object, AI, R>(operation: string, tool: AgbTools.Tool<A, AI, R>, args: A) => {
  const malformed = requestChecks.malformedText(operation, args)
  return malformed === undefined
    ? Either.mapLeft(
      ParseResult.validateEither(tool.args)(args),
      (issue) => invalidRequest(operation, issue)
    )
    : Either.left(malformed)
}

const withoutSlashes = (path: string): string => path.replace(/(?!^)\/+$/, "")

/** Resolves `.` and `..` without regard to links. */
const normal = (path: string): string => {
  const names: Array<string> = []
  for (const name of path.split("/")) {
    if (name === "..") names.pop()
    else if (name !== "" && name !== ".") names.push(name)
  }
  return `/${names.join("/")}`
}

const refused = (operation: string, field: string, given: string, expected: string) =>
  Effect.fail(new InvalidRequestError({ operation, field, given: given.slice(0, 64), expected }))

export const remove = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  { force, recursive }: { readonly force: boolean; readonly recursive: boolean }
): Effect.Effect<void, FileSystemError> =>
  Effect.flatMap(validate(operation, AgbTools.tools.delete_file, { path }), () => {
    const isWhole = normal(path) === "/" || /\/\.{1,2}\/*$/.test(path)
    if (isWhole) return refused(operation, "path", path, "a path that ends with the name of what is removed")
    if (recursive) {
      return Effect.asVoid(shellScript.run(toolCall, {
        operation,
        paths: [path],
        text: force ? scripts.removeIfExists : scripts.remove,
        args: [withoutSlashes(path)],
        retrySafety: force ? "idempotent" : "unsafe"
      }))
    }
    const removed = Effect.asVoid(
      fromTool(path)(toolCall.call(AgbTools.tools.delete_file, { path }, { operation }))
    )
    return force ? Effect.catchTag(removed, "FileNotFoundError", () => Effect.void) : removed
  })

export const copy = (
  toolCall: ToolCall,
  operation: string,
  source: string,
  destination: string,
  { overwrite, preserveTimestamps }: { readonly overwrite: boolean; readonly preserveTimestamps: boolean }
): Effect.Effect<void, FileSystemError> =>
  Effect.flatMap(validate(operation, AgbTools.tools.move_file, { source, destination }), () => {
    const [from, to] = [normal(source), normal(destination)]
    if (to === from || to.startsWith(from === "/" ? "/" : `${from}/`)) {
      return refused(operation, "destination", destination, "a path outside of the source")
    }
    const target = withoutSlashes(destination)
    const temporary = `${target.slice(0, target.lastIndexOf("/") + 1)}.agb-part-${crypto.randomUUID()}`
    return Effect.asVoid(shellScript.run(toolCall, {
      operation,
      paths: [source, destination],
      text: scripts.copy,
      args: [withoutSlashes(source), target, temporary, overwrite ? "yes" : "", preserveTimestamps ? "-p" : ""],
      places: [1, 2, 3],
      retrySafety: overwrite ? "idempotent" : "unsafe"
    }))
  })

/** A path below something that is no directory does not exist either. */
export const exists = (info: Effect.Effect<unknown, FileSystemError>): Effect.Effect<boolean, FileSystemError> =>
  Effect.as(info, true).pipe(
    Effect.catchIf(
      (error) => error._tag === "FileNotFoundError" || error._tag === "FileError" && error.reason === "NotDirectory",
      () => Effect.succeed(false)
    )
  )

const types: ReadonlyArray<readonly [letter: string, format: number, type: FileType]> = [
  ["-", 0o10, "File"],
  ["d", 0o4, "Directory"],
  ["l", 0o12, "SymbolicLink"],
  ["b", 0o6, "BlockDevice"],
  ["c", 0o2, "CharacterDevice"],
  ["p", 0o1, "FIFO"],
  ["s", 0o14, "Socket"]
]

/** The type that the bits of a raw mode tell. */
export const typeOfMode = (mode: number): FileType =>
  types.find(([, format]) => format === mode >> 12)?.[2] ?? "Unknown"

const modeText = /^([-dlbcps?])([r-])([w-])([xsS-])([r-])([w-])([xsS-])([r-])([w-])([xtT-])/

/** `-rw-r--r--`, as `ls` prints it, or an octal number. */
export const permissionsOf = (mode: string): Option.Option<number> => {
  if (/^0?[0-7]{3,6}$/.test(mode)) return Option.some(parseInt(mode, 8) & 0o7777)
  const letters = modeText.exec(mode)?.slice(2)
  if (letters === undefined) return Option.none()
  const bits = letters.reduce((sum, letter) => sum * 2 + (/[-ST]/.test(letter) ? 0 : 1), 0)
  const special = [letters[2], letters[5], letters[8]].reduce(
    (sum, letter = "") => sum * 2 + (/[sStT]/.test(letter) ? 1 : 0),
    0
  )
  return Option.some(special * 0o1000 + bits)
}

const nonEmpty = (text: string): Option.Option<string> => text === "" ? Option.none() : Option.some(text)

const dateOf = (millis: number): Option.Option<Date> =>
  Number.isFinite(millis) && Math.abs(millis) <= 8.64e15 ? Option.some(new Date(millis)) : Option.none()

const typeOf = ({ isDirectory, mode }: FileInfo): FileType => {
  if (isDirectory) return "Directory"
  if (!modeText.test(mode)) return "File"
  return types.find(([letter]) => mode.startsWith(letter))?.[2] ?? "Unknown"
}

const fromInfo = (info: FileInfo): FileStat => ({
  type: typeOf(info),
  size: info.size,
  mode: permissionsOf(info.mode),
  mtime: info.modTime === "" ? Option.none() : dateOf(Date.parse(info.modTime)),
  owner: nonEmpty(info.owner),
  group: nonEmpty(info.group)
})

/** Adds what the shell tells. A session without the program tells nothing more. */
const completed = (stat: FileStat, text: string): FileStat => {
  const [, mode = "", seconds = ""] = /^([0-9a-f]+) (-?\d+)\s*$/.exec(text) ?? []
  if (mode === "") return stat
  const bits = parseInt(mode, 16)
  return {
    ...stat,
    type: typeOfMode(bits),
    mode: Option.some(bits & 0o7777),
    mtime: Option.orElse(stat.mtime, () => dateOf(Number(seconds) * 1000))
  }
}

/** The file tools tell all of it, or the shell does. */
export const stat = (
  toolCall: ToolCall,
  operation: string,
  info: Effect.Effect<FileInfo, FileSystemError>
): Effect.Effect<FileStat, FileSystemError> =>
  Effect.flatMap(info, (info) => {
    const known = fromInfo(info)
    if (Option.isSome(known.mode) && Option.isSome(known.mtime)) return Effect.succeed(known)
    const { path } = info
    const script = { operation, paths: [path], text: scripts.attributes, args: [path], retrySafety: "safe" } as const
    return shellScript.run(toolCall, script).pipe(
      Effect.map((text) => completed(known, text)),
      Effect.catchIf((error): error is FileError => error._tag === "FileError", () => Effect.succeed(known))
    )
  })
