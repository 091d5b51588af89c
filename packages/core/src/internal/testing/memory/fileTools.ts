/** The file tools of a session, over a tree in memory. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import { ToolFailure, type ToolHandlers } from "../../../AgbServer.js"
import { fileBlocks } from "../../../AgbTools.js"
import * as namePattern from "../../session/files/namePattern.js"
import { concat } from "../../wire/text/bytes.js"
import { failure, type FileTree, nameOf, type Node, normal, parentOf } from "./fileTree.js"

type FileTools = Omit<ToolHandlers, "run_code" | "shell" | "get_metrics">

/** Runs an operation on a tree, at the time of the test's clock. */
export const attempt = <A>(run: (now: number) => A): Effect.Effect<A, ToolFailure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.try({
      try: () => run(now),
      catch: (error) => error instanceof ToolFailure ? error : failure("EIO", String(error))
    }))

const matcher = (base: string, pattern: string) => {
  const matches = namePattern.compile(pattern)
  return (path: string): boolean => matches(path.slice(base.length).replace(/^\//, ""))
}

const edited = (text: string, edits: ReadonlyArray<{ readonly oldText: string; readonly newText: string }>): string =>
  edits.reduce((current, { newText, oldText }) => {
    if (!current.includes(oldText)) throw failure("NO_MATCH", "an edit does not match the file")
    return current.replace(oldText, () => newText)
  }, text)

const decode = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** As `ls` prints it. */
const modeText = ({ bytes, mode }: Node): string =>
  (bytes === undefined ? "d" : "-") +
  [6, 3, 0].map((shift) => ["r", "w", "x"].map((letter, at) => mode >> shift & 4 >> at ? letter : "-").join("")).join(
    ""
  )

/** What is in a file after text or bytes were written to it. */
export const written = (
  tree: FileTree,
  { content, mode, path }: { readonly path: string; readonly mode: string; readonly content: Uint8Array }
): Uint8Array => {
  const exists = tree.has(path)
  if (mode === "create_new" && exists) throw failure("EEXIST", `file already exists: ${path}`)
  return mode === "append" && exists ? concat([tree.file(path), content]) : content
}

const reading = (tree: FileTree): Pick<FileTools, "read_file" | "read_multiple_files" | "get_file_info"> => ({
  read_file: ({ format, length = 0, offset = 0, path }) =>
    attempt(() => {
      const range = tree.file(path).subarray(offset, length === 0 ? undefined : offset + length)
      return format === "binary" ? Encoding.encodeBase64(range) : decode(range)
    }),
  read_multiple_files: ({ paths }) =>
    Effect.map(
      Effect.forEach(paths, (path) =>
        attempt(() => decode(tree.file(path))).pipe(
          Effect.catchAll(({ text }) => Effect.succeed(`Error - ${text}`)),
          Effect.map((content) => ({ path, content }))
        )),
      fileBlocks
    ),
  get_file_info: ({ path }) =>
    attempt(() => {
      const node = tree.get(path)
      return {
        name: nameOf(normal(path)),
        path,
        size: node.bytes?.length ?? 0,
        isDirectory: node.bytes === undefined,
        modTime: new Date(node.modifiedAt).toISOString(),
        mode: modeText(node),
        owner: "user",
        group: "user"
      }
    })
})

const writing = (tree: FileTree): Pick<FileTools, "write_file" | "edit_file"> => ({
  write_file: ({ content, mode = "overwrite", path }) =>
    attempt((now) => {
      tree.put(path, written(tree, { path, mode, content: encode(content) }), now)
      return "written"
    }),
  edit_file: ({ dryRun = false, edits, path }) =>
    attempt((now) => {
      const text = decode(tree.file(path))
      const next = edited(text, edits)
      if (!dryRun) tree.put(path, encode(next), now)
      return `--- ${path}\n+++ ${path}\n-${text}\n+${next}`
    })
})

const finding = (tree: FileTree): Pick<FileTools, "list_directory" | "search_files" | "get_file_change"> => ({
  list_directory: ({ path }) =>
    attempt(() => {
      tree.requireDirectory(path)
      return [...tree.below(path)]
        .filter(([name]) => parentOf(name) === normal(path))
        .map(([name, { bytes }]) => ({ name: nameOf(name), isDirectory: bytes === undefined }))
    }),
  search_files: ({ excludePatterns = [], path, pattern }) =>
    attempt(() => {
      tree.get(path)
      const base = normal(path)
      const excluded = excludePatterns.map((exclude) => matcher(base, exclude))
      return [...tree.below(path).keys()].filter((found) =>
        matcher(base, pattern)(found) && !excluded.some((isExcluded) => isExcluded(found))
      )
    }),
  get_file_change: ({ path }) => attempt(() => tree.changes(path))
})

export const fileTools = (tree: FileTree): FileTools => ({
  ...reading(tree),
  ...writing(tree),
  ...finding(tree),
  create_directory: ({ path }) => attempt((now) => `created ${(tree.makeDirectory(path, now), path)}`),
  delete_file: ({ path }) =>
    attempt(() => {
      tree.file(path)
      tree.remove(path)
      return `deleted ${path}`
    }),
  move_file: ({ destination, source }) => attempt(() => `moved to ${(tree.move(source, destination), destination)}`)
})
