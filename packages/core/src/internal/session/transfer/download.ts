/** Files and directories of a session onto this machine. */
import type * as PlatformFileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { OpenRange } from "../files/fileRoute.js"
import * as opening from "../files/opening.js"
import { throughOneBuffer } from "../files/pieces.js"
import { Session } from "../session.js"
import type { Progress, Settings, TransferError } from "./model.js"
import * as moving from "./moving.js"
import * as remote from "./remote.js"
import { below, type Entry, listRemote, localChecksum, LocalFiles, millis, type Tree } from "./tree.js"

type Requirements = Session | PlatformFileSystem.FileSystem

interface Download {
  readonly settings: Settings
  readonly local: string
  readonly remote: string
  readonly tally: moving.Tally
}

const newPermissions = 0o644

const sizeOf = (path: string) =>
  Effect.flatMap(LocalFiles, (files) =>
    files.stat(path).pipe(
      Effect.map(({ size, type }) => type === "File" ? Number(size) : 0),
      Effect.catchAll(() => Effect.succeed(0))
    ))

/** How much of a part that an earlier transfer has left is the beginning of the file. */
const usable = ({ remote: root, settings }: Download, { path, size }: Entry, part: string) =>
  Effect.gen(function*() {
    const found = settings.resume && size > moving.segmentBytes ? yield* sizeOf(part) : 0
    if (found === 0 || found > size) return 0
    const session = yield* Session
    const there = yield* remote.prefixChecksum(session, settings.operation, below(root, path), found)
    return there === (yield* localChecksum(part, found)) ? found : 0
  })

/** Of a single file the time is known; of a small file in a directory it is not asked for. */
const withTime = ({ remote: root, settings: { verify } }: Download, entry: Entry) =>
  Effect.gen(function*() {
    if (verify !== "size" || entry.size <= moving.segmentBytes || entry.path === "") return entry
    const { fileSystem } = yield* Session
    return { ...entry, mtime: millis(yield* fileSystem.stat(below(root, entry.path))) }
  })

const verify = ({ remote: root, settings }: Download, entry: Entry, part: string) =>
  Effect.gen(function*() {
    const { operation, verify } = settings
    const session = yield* Session
    const place = below(root, entry.path)
    if (verify === "checksum") {
      return yield* remote.compare(session, operation, place, yield* localChecksum(part), false)
    }
    if (entry.path !== "" && entry.size <= moving.segmentBytes) return
    const stat = yield* session.fileSystem.stat(place)
    yield* moving.unchanged(operation, place, entry, { size: stat.size, mtime: millis(stat) })
  })

const receive = (download: Download, entry: Entry, part: string) =>
  Effect.gen(function*() {
    const { remote: root, settings: { operation }, tally } = download
    const [session, files] = [yield* Session, yield* LocalFiles]
    const place = below(root, entry.path)
    const offset = yield* usable(download, entry, part)
    yield* tally.bytes(entry.path, offset)
    const bytesToRead = entry.size - offset
    const bytes = moving.exactly(
      session.fileSystem.readFileStream(place, { offset, bytesToRead }),
      bytesToRead,
      (count) => tally.bytes(entry.path, count),
      (found) => moving.changed(operation, place, `${found} of ${bytesToRead} bytes at ${offset}`)
    )
    yield* Stream.run(bytes, files.sink(part, { flag: offset === 0 ? "w" : "a", mode: 0o600 }))
  })

/** What an open file is as a whole, unless the session does not tell or an earlier transfer has left a part of it. */
const entryOf = (settings: Settings, { mode, mtime, size }: OpenRange, part: string) =>
  Effect.gen(function*() {
    if (mode === undefined || mtime === undefined) return undefined
    const goesOn = settings.resume && size > moving.segmentBytes && (yield* sizeOf(part)) > 0
    return goesOn ? undefined : { path: "", isDirectory: false, size, permissions: mode & 0o777, mtime }
  })

/** Fails if a file of the session changed since it was opened. */
const stillIs = (operation: string, path: string, entry: Entry, open: opening.Opening["open"]) =>
  Effect.scoped(Effect.flatMap(
    open(operation, path, 0),
    (range) =>
      Option.isNone(range)
        ? moving.changed(operation, path, "the session does not describe it any more")
        : moving.unchanged(operation, path, entry, { size: range.value.size, mtime: range.value.mtime })
  ))

/** A single file in one request. Returns whether it was one, and was moved. */
const downloadAtOnce = (
  settings: Settings,
  remote: string,
  local: string,
  emit: (progress: Progress) => Effect.Effect<void>
) =>
  Effect.scoped(Effect.gen(function*() {
    const open = opening.of((yield* Session).fileSystem)?.open
    if (open === undefined) return false
    // What cannot be opened is described where it is listed.
    const opened = yield* Effect.catchTags(open(settings.operation, remote, Infinity), {
      FileError: () => Effect.succeedNone,
      FileNotFoundError: () => Effect.succeedNone
    })
    const part = moving.partPath(local)
    const entry = Option.isNone(opened) ? undefined : yield* entryOf(settings, opened.value, part)
    if (Option.isNone(opened) || entry === undefined) return false
    const { isStable } = opened.value
    const download = { settings, local, remote, tally: new moving.Tally({ entries: [entry], skipped: [] }, emit) }
    const files = yield* LocalFiles
    const received = Effect.scoped(Effect.flatMap(files.open(part, { flag: "w", mode: 0o600 }), (file) =>
      throughOneBuffer(opened.value, (bytes) =>
        Effect.zipRight(file.writeAll(bytes), download.tally.bytes("", bytes.length)))))
    const verified = settings.verify === "checksum"
      ? verify(download, entry, part)
      : Effect.if(isStable, {
        onTrue: () =>
          Effect.void,
        onFalse: () => stillIs(settings.operation, remote, entry, open)
      })
    yield* publish(download, entry, part, Effect.zipRight(received, verified))
    return true
  }))

/** A file gets its name when all of it is here; of a large one, what arrived is kept. */
const publish = <E, R>(
  { local, settings: { resume }, tally }: Download,
  { path, permissions, size }: Entry,
  part: string,
  received: Effect.Effect<void, E, R>
) =>
  Effect.gen(function*() {
    const files = yield* LocalFiles
    const keeps = resume && size > moving.segmentBytes
    yield* received.pipe(
      Effect.zipRight(files.chmod(part, permissions)),
      Effect.zipRight(files.rename(part, below(local, path))),
      Effect.onExit((exit) =>
        Exit.isSuccess(exit) || keeps ? Effect.void : Effect.ignore(files.remove(part, { force: true }))
      )
    )
    yield* tally.file(path)
  })

const downloadFile = (download: Download, listed: Entry): Effect.Effect<void, TransferError, Requirements> =>
  Effect.gen(function*() {
    const entry = yield* withTime(download, listed)
    const part = moving.partPath(below(download.local, entry.path))
    yield* publish(
      download,
      entry,
      part,
      Effect.zipRight(receive(download, entry, part), verify(download, entry, part))
    )
  })

/** Files that are here already, with the same content. */
const same = ({ local, remote: root, settings: { operation, resume } }: Download, tree: Tree) =>
  Effect.gen(function*() {
    if (!resume) return new Set<string>()
    const candidates = yield* Effect.filter(
      moving.filesOf(tree),
      ({ path, size }) =>
        Effect.flatMap(LocalFiles, (files) =>
          files.stat(below(local, path)).pipe(
            Effect.map((stat) => stat.type === "File" && Number(stat.size) === size),
            Effect.catchAll(() => Effect.succeed(false))
          ))
    )
    const places = candidates.map(({ path }) => below(root, path))
    const there = yield* remote.checksums(yield* Session, operation, places)
    const equal = yield* Effect.filter(
      candidates,
      ({ path }) => Effect.map(localChecksum(below(local, path)), (here) => there.get(below(root, path)) === here)
    )
    return new Set(equal.map(({ path }) => path))
  })

const downloadTree = (download: Download, tree: Tree): Effect.Effect<void, TransferError, Requirements> =>
  Effect.gen(function*() {
    const { local, tally } = download
    const files = yield* LocalFiles
    const directories = moving.directoriesOf(tree)
    for (const { path, permissions } of directories) {
      yield* files.makeDirectory(below(local, path), { recursive: true })
      yield* files.chmod(below(local, path), permissions | 0o700)
    }
    const present = yield* same(download, tree)
    for (const { path, permissions, size } of moving.filesOf(tree).filter(({ path }) => present.has(path))) {
      yield* files.chmod(below(local, path), permissions)
      yield* tally.bytes(path, size)
      yield* tally.file(path)
    }
    const missing = moving.filesOf(tree).filter(({ path }) => !present.has(path))
    yield* Effect.forEach(missing, (entry) => downloadFile(download, entry), {
      concurrency: moving.concurrency,
      discard: true
    })
    for (const { path, permissions } of [...directories].reverse()) yield* files.chmod(below(local, path), permissions)
    yield* tally.end()
  })

/** A single file needs no list. */
const treeOf = (operation: string, root: string) =>
  Effect.gen(function*() {
    const session = yield* Session
    const stat = yield* session.fileSystem.stat(root)
    if (stat.type !== "File") return yield* listRemote(session, operation, root)
    const permissions = Option.getOrElse(stat.mode, () => newPermissions) & 0o777
    const entry = { path: "", isDirectory: false, size: stat.size, permissions, mtime: millis(stat) }
    return { entries: [entry], skipped: [] }
  })

export const download = (
  settings: Settings,
  remote: string,
  local: string
): Stream.Stream<Progress, TransferError, Requirements> =>
  moving.reporting<TransferError, Requirements>((emit) =>
    Effect.gen(function*() {
      if (yield* downloadAtOnce(settings, remote, local, emit)) return
      const tree = yield* treeOf(settings.operation, remote)
      const root = yield* moving.rootOf(settings.operation, remote, tree)
      const download = { settings, local, remote, tally: new moving.Tally(tree, emit) }
      yield* root.isDirectory ? downloadTree(download, tree) : downloadFile(download, root)
    })
  )
