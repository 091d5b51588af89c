/** Files: read in parts, written whole, edited by exact text. */
import * as Effect from "effect/Effect"
import { createParents } from "../paths.js"
import { bound } from "./bounded.js"
import type { Parameters } from "./definitions.js"
import type { Environment } from "./environment.js"
import { problem, settle } from "./failures.js"
import type { ListDirectoryResult, ReadFileResult } from "./results.js"
import * as textLines from "./textLines.js"

const imageTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp"
}

const imageTypeOf = (path: string): string | undefined =>
  imageTypes[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""]

const readImage = ({ files, maxFigureBytes }: Environment, path: string, mimeType: string) =>
  Effect.map(files.readFileBytes(path, { maxBytes: maxFigureBytes }), (data): ReadFileResult => ({
    content: `[${mimeType}, ${data.length.toLocaleString("en-US")} bytes]`,
    figures: [{ mimeType, byteLength: data.length, data }]
  }))

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1

const shown = (first: number, { isLineCut, next, text }: textLines.Lines): ReadFileResult => {
  const notes = [
    ...isLineCut ? ["a line is too long to be shown whole; use shell with `cut -c` for its end"] : [],
    ...next === undefined ? [] : [`lines ${first} to ${next - 1}; read on with start_line ${next}`]
  ]
  return { content: notes.length === 0 ? text : `${text}${text.endsWith("\n") ? "" : "\n"}[${notes.join("; ")}]` }
}

const read_file = (environment: Environment) => ({ line_count, path, start_line = 1 }: Parameters<"read_file">) => {
  if (!isCount(start_line) || line_count !== undefined && !isCount(line_count)) {
    return Effect.succeed(problem("InvalidArgument", "read_file: start_line and line_count must be integers from 1"))
  }
  const { files, maxCharacters, resolve } = environment
  const mimeType = imageTypeOf(path)
  if (mimeType !== undefined) {
    return settle(Effect.flatMap(resolve(path), (absolute) => readImage(environment, absolute, mimeType)))
  }
  const wanted = { startLine: start_line, lineCount: line_count ?? Infinity, maxCharacters }
  return resolve(path).pipe(
    Effect.flatMap((absolute) => textLines.read(files, absolute, wanted)),
    Effect.map((lines) => shown(start_line, lines)),
    Effect.catchTag(
      "NotText",
      () =>
        Effect.succeed(problem("FileFailed", `read_file: ${path} is no UTF-8 text; look at it with run_code or shell`))
    ),
    settle
  )
}

const write_file = ({ files, resolve }: Environment) => ({ content, path: given }: Parameters<"write_file">) =>
  Effect.gen(function*() {
    const path = yield* resolve(given)
    const write = files.writeFile(path, content)
    yield* Effect.catchTag(write, "FileNotFoundError", () => Effect.zipRight(createParents(files, path), write))
    return { path, bytes_written: new TextEncoder().encode(content).length }
  }).pipe(settle)

const occurrences = (content: string, text: string): number => content.split(text).length - 1

const mismatch = (path: string, found: number) =>
  problem(
    "NoMatch",
    found === 0
      ? `edit_file: old_text is not in ${path}; read the file and copy the text exactly, with its white space`
      : `edit_file: old_text occurs ${found} times in ${path}; add lines around it, or set replace_all`
  )

const edit_file =
  ({ files, maxCharacters, resolve }: Environment) =>
  ({ new_text, old_text, path: given, replace_all = false }: Parameters<"edit_file">) => {
    if (old_text === "") {
      return Effect.succeed(
        problem("InvalidArgument", "edit_file: old_text must not be empty; use write_file for a new file")
      )
    }
    return Effect.gen(function*() {
      const path = yield* resolve(given)
      const content = yield* files.readFile(path)
      const found = occurrences(content, old_text)
      if (found !== 1 && !(replace_all && found > 1)) return mismatch(path, found)
      if (found === 1) {
        const diff = yield* files.editFile(path, [{ oldText: old_text, newText: new_text }])
        return { diff: bound(diff, maxCharacters, "read the file to see it").text }
      }
      yield* files.writeFile(path, content.split(old_text).join(new_text))
      return { diff: `replaced ${found} occurrences` }
    }).pipe(settle)
  }

const maxEntries = 1_000

const list_directory = ({ files, resolve }: Environment) => ({ path }: Parameters<"list_directory">) =>
  resolve(path).pipe(
    Effect.flatMap(files.listDirectory),
    Effect.map((entries): ListDirectoryResult => ({
      entries: entries.slice(0, maxEntries).map(({ isDirectory, name }) => isDirectory ? `${name}/` : name),
      ...entries.length <= maxEntries ? {} : {
        note: `${
          entries.length - maxEntries
        } of ${entries.length} entries are left out: search with a glob, or use shell`
      }
    })),
    settle
  )

export const make = (environment: Environment) => ({
  read_file: read_file(environment),
  write_file: write_file(environment),
  edit_file: edit_file(environment),
  list_directory: list_directory(environment)
})
