/** What a transfer moves: the files and directories below a path, here and in a session. */
import type * as Platform from "@effect/platform/Error"
import type * as PlatformFileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { FileError, MalformedResponseError } from "../../../AgbError.js"
import type { FileSystemError } from "../fileErrors.js"
import { Checksum } from "../files/checksum.js"
import type { Session } from "../session.js"
import type { TransferError } from "./model.js"
import * as remote from "./remote.js"

/** The tag of `@effect/platform/FileSystem`, without its module. */
export const LocalFiles = Context.GenericTag<PlatformFileSystem.FileSystem>("@effect/platform/FileSystem")

/** One file or directory. `path` is relative, without `.` and `..`; empty for the root itself. */
export interface Entry {
  readonly path: string
  readonly isDirectory: boolean
  readonly size: number
  readonly permissions: number
  /** When the content was changed, in milliseconds; of files of this machine, and of a remote root that is a file. */
  readonly mtime?: number | undefined
}

export interface Tree {
  readonly entries: ReadonlyArray<Entry>
  /** Relative paths of what is neither a file nor a directory. */
  readonly skipped: ReadonlyArray<string>
}

export const below = (root: string, path: string): string => path === "" ? root : `${root.replace(/\/+$/, "")}/${path}`

type Found = { readonly entry: Entry } | { readonly skipped: string }

export const millis = ({ mtime }: { readonly mtime: Option.Option<Date> }): number | undefined =>
  Option.getOrUndefined(Option.map(mtime, (date) => date.getTime()))

/** Links are not followed, but for the root. */
const localEntry = (files: PlatformFileSystem.FileSystem, root: string, path: string) =>
  Effect.gen(function*() {
    const place = below(root, path)
    const isLink = path !== "" && (yield* Effect.isSuccess(files.readLink(place)))
    if (isLink) return { skipped: path }
    const stat = yield* files.stat(place)
    const isDirectory = stat.type === "Directory"
    if (stat.type !== "File" && !isDirectory) return { skipped: path }
    return {
      entry: { path, isDirectory, size: Number(stat.size), permissions: stat.mode & 0o777, mtime: millis(stat) }
    }
  })

export const listLocal = (root: string): Effect.Effect<Tree, Platform.PlatformError, PlatformFileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* LocalFiles
    const entries: Array<Entry> = []
    const skipped: Array<string> = []
    const waiting = [""]
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const found: Found = yield* localEntry(files, root, path)
      if ("skipped" in found) {
        skipped.push(found.skipped)
        continue
      }
      entries.push(found.entry)
      if (!found.entry.isDirectory) continue
      for (const name of yield* files.readDirectory(below(root, path))) {
        waiting.push(path === "" ? name : `${path}/${name}`)
      }
    }
    return { entries, skipped }
  })

const isInner = (path: string): boolean =>
  path === "" || path.split("/").every((name) => name !== "" && name !== "." && name !== "..")

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const record = /^([a-zA-Z?]) ([0-7]{1,5}) (\d+) \.(?:\/([^]*))?$/

const malformed = (operation: string) =>
  new MalformedResponseError({
    operation,
    path: "the list of files",
    expected: "types, permissions, sizes and paths below the root",
    mayHaveHappened: false,
    retryable: true
  })

const readRecord = (operation: string, text: string): Found | MalformedResponseError => {
  const [, type = "", permissions = "", size = "", path = ""] = record.exec(text) ?? []
  if (type === "" || !isInner(path)) return malformed(operation)
  return type === "f" || type === "d"
    ? { entry: { path, isDirectory: type === "d", size: Number(size), permissions: parseInt(permissions, 8) & 0o777 } }
    : { skipped: path }
}

/** The paths come from the session: none of them may lead out of the directory that they are written to. */
const readList = (operation: string, root: string, bytes: Uint8Array): Effect.Effect<Tree, FileSystemError> =>
  Effect.gen(function*() {
    const text = yield* Effect.try({
      try: () => strict.decode(bytes),
      catch: () =>
        new FileError({
          operation,
          path: root,
          reason: "NotText",
          detail: "a name in it is not valid UTF-8",
          mayHaveHappened: false
        })
    })
    const entries: Array<Entry> = []
    const skipped: Array<string> = []
    for (const line of text.split("\0").slice(0, -1)) {
      const found = readRecord(operation, line)
      if ("_tag" in found) return yield* found
      if ("entry" in found) entries.push(found.entry)
      else skipped.push(found.skipped)
    }
    return entries.length === 0 && skipped.length === 0 ? yield* malformed(operation) : { entries, skipped }
  })

export const listRemote = (
  session: Session,
  operation: string,
  root: string
): Effect.Effect<Tree, FileSystemError> =>
  Effect.flatMap(remote.list(session, operation, root), (bytes) => readList(operation, root, bytes))

/** Checksum of the first bytes of a local file. */
export const localChecksum = (
  path: string,
  bytesToRead?: number
): Effect.Effect<string, TransferError, PlatformFileSystem.FileSystem> =>
  Effect.flatMap(LocalFiles, (files) => {
    const checksum = new Checksum()
    const range = bytesToRead === undefined ? {} : { bytesToRead }
    return Effect.map(
      Stream.runForEach(files.stream(path, { chunkSize: 1_048_576, ...range }), (bytes) =>
        Effect.sync(() => checksum.update(bytes))),
      () =>
        String(checksum)
    )
  })
