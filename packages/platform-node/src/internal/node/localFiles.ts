/** What transfers and `RichResult.saveAs` need of the platform's `FileSystem`, over Node. It fails with errors of this SDK, which results can have. */
import { type AgbError, FileError, FileNotFoundError } from "@effect-agb/core/AgbError"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as FsPromises from "node:fs/promises"

const reasons: Readonly<Record<string, FileError["reason"]>> = {
  EEXIST: "AlreadyExists",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EISDIR: "IsDirectory",
  ENOTDIR: "NotDirectory"
}

const operation = "Transfer"

const toError = (path: string, error: unknown): AgbError => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "Unknown"
  if (code === "ENOENT") return new FileNotFoundError({ operation, path, detail: "on this machine" })
  return new FileError({
    operation,
    path,
    reason: reasons[code] ?? "Other",
    detail: `${code} on this machine`,
    mayHaveHappened: true
  })
}

/** The errors of the platform are classes of its newer versions alone. */
const asPlatform = (error: AgbError): PlatformError => error as unknown as PlatformError

const attempt = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, PlatformError> =>
  Effect.tryPromise({ try: run, catch: (error) => asPlatform(toError(path, error)) })

const typeOf = (stat: Fs.Stats): FileSystem.File.Type =>
  stat.isFile() ? "File" : stat.isDirectory() ? "Directory" : "Unknown"

const open = (path: string, flag: string | number | undefined, mode?: number) =>
  Effect.acquireRelease(
    attempt(path, () => FsPromises.open(path, flag, mode)),
    (file) => Effect.ignore(Effect.promise(() => file.close()))
  )

/** Writes at the current position, and all of it: of a file, so does `writeFile`. */
const writeAll = (path: string, file: FsPromises.FileHandle) => (bytes: Uint8Array) =>
  attempt(path, () => file.writeFile(bytes))

/** Of what an open file can do, what transfers need. */
const openFile = (path: string, { flag, mode }: FileSystem.OpenFileOptions = {}) =>
  Effect.map(open(path, flag, mode), (file) => {
    let position = 0
    const used: Pick<FileSystem.File, "read" | "seek" | "writeAll"> = {
      seek: (offset) =>
        Effect.sync(() => {
          position = Number(offset)
        }),
      read: (buffer) =>
        Effect.map(attempt(path, () => file.read(buffer, 0, buffer.length, position)), ({ bytesRead }) => {
          position += bytesRead
          return FileSystem.Size(bytesRead)
        }),
      writeAll: writeAll(path, file)
    }
    return used as FileSystem.File
  })

const read = (path: string, options: FileSystem.StreamOptions = {}) =>
  Stream.unwrapScoped(
    Effect.map(open(path, "r"), (file) => {
      const start = Number(options.offset ?? 0)
      const end = options.bytesToRead === undefined ? Infinity : start + Number(options.bytesToRead) - 1
      if (end < start) return Stream.empty
      const highWaterMark = Number(options.chunkSize ?? 65_536)
      return Stream.fromAsyncIterable<Uint8Array, PlatformError>(
        Fs.createReadStream(path, { fd: file, autoClose: false, start, end, highWaterMark }),
        (error) => asPlatform(toError(path, error))
      )
    })
  )

const write = (path: string, { flag = "w", mode }: FileSystem.SinkOptions = {}) =>
  Sink.unwrapScoped(
    Effect.map(open(path, flag, mode), (file) => Sink.forEach(writeAll(path, file)))
  )

export const localFiles: FileSystem.FileSystem = FileSystem.makeNoop({
  chmod: (path, mode) => attempt(path, () => FsPromises.chmod(path, mode)),
  makeDirectory: (path, options) => Effect.asVoid(attempt(path, () => FsPromises.mkdir(path, options))),
  open: openFile,
  readDirectory: (path) => attempt(path, () => FsPromises.readdir(path)),
  readLink: (path) => attempt(path, () => FsPromises.readlink(path)),
  remove: (path, options) => attempt(path, () => FsPromises.rm(path, options)),
  rename: (from, to) => attempt(from, () => FsPromises.rename(from, to)),
  stat: (path) =>
    Effect.map(attempt(path, () => FsPromises.stat(path)), (stat) => ({
      type: typeOf(stat),
      mtime: Option.some(stat.mtime),
      atime: Option.some(stat.atime),
      birthtime: Option.some(stat.birthtime),
      dev: stat.dev,
      ino: Option.some(stat.ino),
      mode: stat.mode,
      nlink: Option.some(stat.nlink),
      uid: Option.some(stat.uid),
      gid: Option.some(stat.gid),
      rdev: Option.some(stat.rdev),
      size: FileSystem.Size(stat.size),
      blksize: Option.some(FileSystem.Size(stat.blksize)),
      blocks: Option.some(stat.blocks)
    })),
  stream: read,
  sink: write,
  writeFile: (path, bytes) => attempt(path, () => FsPromises.writeFile(path, bytes))
})
