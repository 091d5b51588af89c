/** Files and directories of this machine into a session. */
import type * as PlatformFileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as opening from "../files/opening.js"
import { buffersOf, onTaken, pieceOfFile } from "../files/recycling.js"
import { Session } from "../session.js"
import type { Progress, Settings, TransferError } from "./model.js"
import * as moving from "./moving.js"
import * as remote from "./remote.js"
import { below, type Entry, listLocal, listRemote, localChecksum, LocalFiles, millis, type Tree } from "./tree.js"

type Requirements = Session | PlatformFileSystem.FileSystem

interface Upload {
  readonly settings: Settings
  readonly local: string
  readonly remote: string
  readonly tally: moving.Tally
}

/** Fails if a local file changed since it was listed. */
const checkUnchanged = ({ local, settings }: Upload, entry: Entry) => {
  const path = below(local, entry.path)
  return Effect.flatMap(
    LocalFiles,
    (files) =>
      Effect.flatMap(
        files.stat(path),
        (stat) => moving.unchanged(settings.operation, path, entry, { size: Number(stat.size), mtime: millis(stat) })
      )
  )
}

type OnBytes = (count: number) => Effect.Effect<void>

/** Fails at its end if the file changed, so that nothing of it takes the place of what was there. */
const localRange = (upload: Upload, entry: Entry, offset: number, bytesToRead: number, onBytes: OnBytes) =>
  Effect.zipWith(LocalFiles, Session, (files, { client }) => {
    const path = below(upload.local, entry.path)
    const buffers = buffersOf(client)
    const piecesOf = (file: PlatformFileSystem.File) => {
      let found = 0
      const next = Effect.gen(function*() {
        if (found === bytesToRead) return yield* Effect.as(checkUnchanged(upload, entry), undefined)
        const buffer = buffers.take().subarray(0, bytesToRead - found)
        const bytes = buffer.subarray(0, Number(yield* file.read(buffer)))
        if (bytes.length === 0) {
          const detail = `${found} of ${bytesToRead} bytes at ${offset}`
          return yield* moving.changed(upload.settings.operation, path, detail)
        }
        found += bytes.length
        yield* onBytes(bytes.length)
        return bytes
      })
      return Stream.takeWhile(Stream.repeatEffect(next), Predicate.isNotUndefined)
    }
    const opened = Effect.tap(files.open(path, { flag: "r" }), (file) => file.seek(offset, "start"))
    return onTaken(Stream.unwrapScoped(Effect.map(opened, piecesOf)), buffers.giveBack)
  })

/** A file of one piece, which needs no stream, in a buffer that is to be given back. Fails if the file changed. */
const localBytes = (upload: Upload, entry: Entry) =>
  Effect.scoped(Effect.gen(function*() {
    const { local, settings: { operation } } = upload
    const path = below(local, entry.path)
    const file = yield* Effect.flatMap(LocalFiles, (files) => files.open(path, { flag: "r" }))
    const bytes = buffersOf((yield* Session).client).take().subarray(0, entry.size)
    let found = 0
    for (let read = -1; read !== 0 && found < bytes.length; found += read) {
      read = Number(yield* file.read(bytes.subarray(found)))
    }
    yield* checkUnchanged(upload, entry)
    if (found < bytes.length) yield* moving.changed(operation, path, `${found} of ${bytes.length} bytes`)
    return bytes
  }))

/** How much of a part that an earlier transfer has left is the beginning of the file. */
const usable = ({ local, settings }: Upload, { path, size }: Entry, part: string) =>
  Effect.gen(function*() {
    if (!settings.resume) return 0
    const session = yield* Session
    const found = yield* session.fileSystem.stat(part).pipe(
      Effect.map((stat) => stat.size),
      Effect.catchIf(remote.isMissing, () => Effect.succeed(0)),
      // What is beyond whole segments may be that of an attempt whose end the session has not noticed yet.
      Effect.map((found) => found - found % moving.segmentBytes)
    )
    if (found === 0 || found > size) return 0
    const there = yield* remote.prefixChecksum(session, settings.operation, part, found)
    return there === (yield* localChecksum(below(local, path), found)) ? found : 0
  })

const verify = (upload: Upload, { path }: Entry, place: string, isInPlace: boolean) =>
  Effect.gen(function*() {
    const { local, settings: { operation, verify } } = upload
    if (verify === "size") return
    const here = yield* localChecksum(below(local, path))
    yield* remote.compare(yield* Session, operation, place, here, isInPlace)
  })

const uploadPart = (upload: Upload, entry: Entry, part: string, place: string) =>
  Effect.gen(function*() {
    const { settings: { operation }, tally } = upload
    const session = yield* Session
    let offset = yield* usable(upload, entry, part)
    yield* tally.bytes(entry.path, offset)
    for (let isFirst = entry.size === 0; isFirst || offset < entry.size; isFirst = false) {
      const length = Math.min(moving.segmentBytes, entry.size - offset)
      const mode = offset === 0 ? "overwrite" : "append"
      const content = yield* localRange(upload, entry, offset, length, (count) => tally.bytes(entry.path, count))
      yield* session.fileSystem.writeFile(part, content, { mode })
      offset += length
    }
    const { size } = yield* session.fileSystem.stat(part)
    if (size !== entry.size) yield* moving.changed(operation, place, `${size} of ${entry.size} bytes arrived`)
    yield* verify(upload, entry, part, false)
    yield* checkUnchanged(upload, entry)
    yield* remote.publish(session, operation, part, place, entry.permissions)
  })

/** Errors name the file rather than its temporary name. */
const uploadLarge = (upload: Upload, entry: Entry): Effect.Effect<void, TransferError, Requirements> => {
  const place = below(upload.remote, entry.path)
  const part = moving.partPath(place)
  return Effect.mapError(uploadPart(upload, entry, part, place), moving.nameFile(part, place))
}

/** Takes the place of a file that cannot be written to, where the directory allows it; leaves no part of a small file. */
const replace = (upload: Upload, entry: Entry) =>
  Effect.gen(function*() {
    const { fileSystem } = yield* Session
    const part = moving.partPath(below(upload.remote, entry.path))
    yield* Effect.onExit(uploadLarge(upload, entry), (exit) =>
      Exit.isSuccess(exit) ? Effect.void : Effect.ignore(fileSystem.remove(part, { force: true })))
  })

const isDenied = (error: TransferError) => error._tag === "FileError" && error.reason === "PermissionDenied"

/** A file of one piece, which is read while the session opens its own, where that can be. */
const uploadPiece = (upload: Upload, entry: Entry) =>
  Effect.gen(function*() {
    const { permissions, size } = entry
    const place = below(upload.remote, entry.path)
    const { client, fileSystem } = yield* Session
    const buffers = buffersOf(client)
    const writeRead = opening.of(fileSystem)?.writeRead
    let taken: Uint8Array | undefined
    const content = Effect.map(localBytes(upload, entry), (bytes) => taken = bytes)
    yield* writeRead === undefined
      ? Effect.flatMap(content, (bytes) => fileSystem.writeFile(place, bytes, { permissions }))
      : writeRead(place, size, content, permissions)
    if (taken !== undefined) buffers.giveBack(taken)
    yield* upload.tally.bytes(entry.path, size)
  })

const uploadPieces = (upload: Upload, entry: Entry) =>
  Effect.gen(function*() {
    const { path, permissions, size } = entry
    const { fileSystem } = yield* Session
    let counted = 0
    const content = yield* localRange(upload, entry, 0, size, (count) => {
      counted += count
      return upload.tally.bytes(path, count)
    })
    const written = fileSystem.writeFile(below(upload.remote, path), content, { permissions })
    yield* Effect.tapError(written, () => upload.tally.bytes(path, -counted))
  })

const uploadSmall = (upload: Upload, entry: Entry): Effect.Effect<void, TransferError, Requirements> =>
  Effect.gen(function*() {
    const written = entry.size <= pieceOfFile ? uploadPiece(upload, entry) : uploadPieces(upload, entry)
    const isWritten = yield* Effect.catchIf(Effect.as(written, true), isDenied, () => Effect.succeed(false))
    yield* isWritten ? verify(upload, entry, below(upload.remote, entry.path), true) : replace(upload, entry)
  })

const uploadFile = (upload: Upload, entry: Entry) =>
  Effect.zipRight(
    entry.size > moving.segmentBytes ? uploadLarge(upload, entry) : uploadSmall(upload, entry),
    Effect.suspend(() => upload.tally.file(entry.path))
  )

/** Files that are there already, with the same content. */
const same = ({ local, remote: root, settings: { operation, resume } }: Upload, tree: Tree) =>
  Effect.gen(function*() {
    const session = yield* Session
    if (!resume || !(yield* session.fileSystem.exists(root))) return new Set<string>()
    const sizes = new Map((yield* listRemote(session, operation, root)).entries.map(({ path, size }) => [path, size]))
    const candidates = moving.filesOf(tree).filter(({ path, size }) => sizes.get(path) === size)
    const there = yield* remote.checksums(session, operation, candidates.map(({ path }) => below(root, path)))
    const equal = yield* Effect.filter(candidates, ({ path }) =>
      Effect.map(localChecksum(below(local, path)), (here) => there.get(below(root, path)) === here))
    return new Set(equal.map(({ path }) =>
      path
    ))
  })

const uploadTree = (upload: Upload, tree: Tree): Effect.Effect<void, TransferError, Requirements> =>
  Effect.gen(function*() {
    const { remote: root, settings: { operation }, tally } = upload
    const session = yield* Session
    const place = ({ path, permissions }: Entry) => ({ path: below(root, path), permissions })
    const directories = moving.directoriesOf(tree).map(place)
    const present = yield* same(upload, tree)
    yield* remote.makeDirectories(session, operation, directories.map(({ path }) => path))
    const writable = directories.map(({ path, permissions }) => ({ path, permissions: permissions | 0o700 }))
    yield* remote.setPermissions(session, operation, writable)
    const files = moving.filesOf(tree)
    for (const { path, size } of files.filter(({ path }) => present.has(path))) {
      yield* tally.bytes(path, size)
      yield* tally.file(path)
    }
    yield* Effect.forEach(files.filter(({ path }) => !present.has(path)), (entry) => uploadFile(upload, entry), {
      concurrency: moving.concurrency,
      discard: true
    })
    const kept = files.filter(({ path }) => present.has(path)).map(place)
    yield* remote.setPermissions(session, operation, [...kept, ...[...directories].reverse()])
    yield* tally.end()
  })

export const upload = (
  settings: Settings,
  local: string,
  remote: string
): Stream.Stream<Progress, TransferError, Requirements> =>
  moving.reporting<TransferError, Requirements>((emit) =>
    Effect.gen(function*() {
      const tree = yield* listLocal(local)
      const root = yield* moving.rootOf(settings.operation, local, tree)
      const upload = { settings, local, remote, tally: new moving.Tally(tree, emit) }
      yield* root.isDirectory ? uploadTree(upload, tree) : uploadFile(upload, root)
    })
  )
