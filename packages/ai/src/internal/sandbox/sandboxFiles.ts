/** Files as the sandbox sessions of the AI SDK have them. */
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import type { Session } from "@effect-agb/core/Session"
import type {
  Experimental_SandboxDirectoryEntry as DirectoryEntry,
  Experimental_SandboxSession as SandboxSession
} from "ai"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createParents, type Resolve } from "../paths.js"
import { orNull, promise, readable } from "./promises.js"

const invalid = (operation: string, field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation: `AiSdk.${operation}`, field, given: String(given).slice(0, 64), expected })

const decode = (bytes: Uint8Array, encoding: string) =>
  Effect.try({
    try: () => new TextDecoder(encoding).decode(bytes),
    catch: () => invalid("readTextFile", "encoding", encoding, "an encoding of TextDecoder")
  })

const isLine = (line: number): boolean => Number.isInteger(line) && line >= 1

type ReadText = Parameters<SandboxSession["readTextFile"]>[0]

const linesOf = (text: string, { endLine, startLine = 1 }: ReadText) => {
  if (!isLine(startLine)) return Effect.fail(invalid("readTextFile", "startLine", startLine, "an integer from 1"))
  if (endLine !== undefined && !isLine(endLine)) {
    return Effect.fail(invalid("readTextFile", "endLine", endLine, "an integer from 1"))
  }
  return Effect.succeed(
    startLine === 1 && endLine === undefined ? text : text.split("\n").slice(startLine - 1, endLine).join("\n")
  )
}

const reading = (
  files: FileSystem,
  resolve: Resolve
): Pick<SandboxSession, "readFile" | "readBinaryFile" | "readTextFile"> => {
  const bytesOf = (path: string) => Effect.flatMap(resolve(path), (absolute) => files.readFileBytes(absolute))
  return {
    readFile: ({ abortSignal, path }) =>
      promise(
        orNull(Effect.gen(function*() {
          const absolute = yield* resolve(path)
          yield* files.getFileInfo(absolute)
          return readable(files.readFileStream(absolute), abortSignal)
        })),
        abortSignal
      ),
    readBinaryFile: ({ abortSignal, path }) => promise(orNull(bytesOf(path)), abortSignal),
    readTextFile: (options) =>
      promise(
        orNull(
          bytesOf(options.path).pipe(
            Effect.flatMap((bytes) => decode(bytes, options.encoding ?? "utf-8")),
            Effect.flatMap((text) => linesOf(text, options))
          )
        ),
        options.abortSignal
      )
  }
}

const writing = (
  files: FileSystem,
  resolve: Resolve
): Pick<SandboxSession, "writeFile" | "writeBinaryFile" | "writeTextFile"> => {
  const write = (
    path: string,
    content: string | Uint8Array | Stream.Stream<Uint8Array, unknown>,
    signal?: AbortSignal
  ) =>
    promise(
      Effect.gen(function*() {
        const absolute = yield* resolve(path)
        yield* createParents(files, absolute)
        yield* files.writeFile(absolute, content)
      }),
      signal
    )
  return {
    writeFile: ({ abortSignal, content, path }) =>
      write(path, Stream.fromReadableStream(() => content, (error) => error), abortSignal),
    writeBinaryFile: ({ abortSignal, content, path }) => write(path, content, abortSignal),
    writeTextFile: async ({ abortSignal, content, encoding = "utf-8", path }) => {
      if (!/^utf-?8$/i.test(encoding)) {
        throw invalid("writeTextFile", "encoding", encoding, "utf-8; encode others to bytes")
      }
      await write(path, content, abortSignal)
    }
  }
}

/** Names cannot contain a slash, which therefore separates them. */
const listScript = `cd -- "$AGB_PATH" || exit 1
for name in * .[!.]* ..?*; do
  if [ -L "$name" ]; then type=symlink
  elif [ -d "$name" ]; then type=directory
  elif [ -f "$name" ]; then type=file
  elif [ -e "$name" ]; then type=other
  else continue; fi
  printf '%s:%s/' "$type" "$name"
done`

const entryOf = (text: string): DirectoryEntry => {
  const colon = text.indexOf(":")
  return { type: text.slice(0, colon) as DirectoryEntry["type"], name: text.slice(colon + 1) }
}

const entries = ({ command, fileSystem }: Session, path: string) =>
  Effect.gen(function*() {
    // Tells a missing directory and a file apart.
    yield* fileSystem.listDirectory(path)
    const { stdout } = yield* command.executeCommand(listScript, { envs: { AGB_PATH: path } })
    return stdout.split("/").filter((entry) => entry !== "").map(entryOf)
  })

type Files = Omit<SandboxSession, "description" | "run" | "spawn">

export const make = (session: Session, resolve: Resolve): Files => {
  const files = session.fileSystem
  return {
    ...reading(files, resolve),
    ...writing(files, resolve),
    stat: ({ abortSignal, path }) =>
      promise(
        orNull(Effect.map(Effect.flatMap(resolve(path), files.stat), ({ size, type }) => ({
          type: type === "File" ? "file" as const : type === "Directory" ? "directory" as const : "other" as const,
          size
        }))),
        abortSignal
      ),
    listDirectory: ({ abortSignal, path }) =>
      promise(orNull(Effect.flatMap(resolve(path), (absolute) => entries(session, absolute))), abortSignal),
    deleteFile: ({ abortSignal, path }) =>
      promise(
        Effect.map(orNull(Effect.as(Effect.flatMap(resolve(path), files.deleteFile), true)), (deleted) =>
          deleted ?? false),
        abortSignal
      )
  }
}
