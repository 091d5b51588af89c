/** The entries of tool calls: what a person is told of a call, by its name and arguments. */
import * as Predicate from "effect/Predicate"
import type { Beginning } from "./entry.js"
import { ownScript } from "./sdkScripts.js"
import { beginningOf, maxTextLength, titleOf } from "./timelineLimits.js"

type Args = Readonly<Record<string, unknown>>

/** Clients send arguments as an object or as its JSON. */
const argsOf = (args: unknown): Args => Predicate.isRecord(args) ? args : {}

const stringIn = (args: Args, name: string): string => {
  const value = args[name]
  return typeof value === "string" ? value : ""
}

const orNull = (text: string): string | null => text === "" ? null : beginningOf(text, 4096)

const aliases: Readonly<Record<string, string>> = {
  py: "python",
  python3: "python",
  js: "javascript",
  node: "javascript",
  nodejs: "javascript"
}

const languageOf = (given: string): string => {
  const name = given.toLowerCase().slice(0, 32)
  return Object.hasOwn(aliases, name) ? aliases[name] ?? name : name
}

/** The entry of a run of code. */
export const codeEntry = (language: string, code: string): Beginning => ({
  kind: "code",
  title: titleOf(code),
  text: beginningOf(code, maxTextLength),
  language: languageOf(language),
  path: null,
  cwd: null
})

const commandEntry = (args: Args): Beginning | undefined => {
  const command = stringIn(args, "command")
  const own = ownScript(command)
  if (own === "hidden") return undefined
  const cwd = orNull(stringIn(args, "cwd"))
  if (own !== undefined) return { ...own, cwd }
  return {
    kind: "command",
    title: titleOf(command),
    text: beginningOf(command, maxTextLength),
    language: null,
    path: null,
    cwd
  }
}

/** How much of what is written to a file is shown. */
const previewLength = 4096

const fileEntry = (title: string, path: string, text = ""): Beginning => ({
  kind: "file",
  title: titleOf(`${title} ${path}`),
  text: beginningOf(text, previewLength),
  language: null,
  path: orNull(path),
  cwd: null
})

/** A file that is read or written by the route of files. */
export const streamedFile = (title: "Read" | "Write" | "Append to" | "Delete", path: string): Beginning =>
  fileEntry(title, path)

const fileTools: Readonly<Record<string, (args: Args, path: string) => Beginning>> = {
  read_file: (_, path) => fileEntry("Read", path),
  read_multiple_files: ({ paths }) => {
    const all = Array.isArray(paths) ? paths.filter(Predicate.isString) : []
    return fileEntry("Read", all.length === 1 ? all[0] ?? "" : `${all.length} files`, all.join("\n"))
  },
  write_file: (args, path) =>
    fileEntry(stringIn(args, "mode") === "append" ? "Append to" : "Write", path, stringIn(args, "content")),
  edit_file: (_, path) => fileEntry("Edit", path),
  create_directory: (_, path) => fileEntry("Create the directory", path),
  delete_file: (_, path) => fileEntry("Delete", path),
  move_file: (args) => {
    const [source, destination] = [stringIn(args, "source"), stringIn(args, "destination")]
    return { ...fileEntry("Move", `${source} to ${destination}`), path: orNull(destination) }
  },
  list_directory: (_, path) => fileEntry("List", path),
  get_file_info: (_, path) => fileEntry("Look at", path),
  search_files: (args, path) => fileEntry(`Search for ${titleOf(stringIn(args, "pattern"))} below`, path)
}

/** What programs ask for again and again, to see what others do. */
const hidden = new Set(["get_metrics", "get_file_change"])

/** `undefined` for a call that has no entry, since it only looks. */
export const toolEntry = (tool: string, given: unknown): Beginning | undefined => {
  if (hidden.has(tool)) return undefined
  const args = argsOf(given)
  if (tool === "run_code") return codeEntry(stringIn(args, "language"), stringIn(args, "code"))
  if (tool === "shell") return commandEntry(args)
  const file = Object.hasOwn(fileTools, tool) ? fileTools[tool] : undefined
  if (file !== undefined) return file(args, stringIn(args, "path"))
  return { kind: "other", title: titleOf(tool), text: "", language: null, path: null, cwd: null }
}
