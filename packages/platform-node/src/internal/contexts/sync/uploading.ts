/** Copies files from a session into a context. */
import { ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { Staged, StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { isWithin } from "./contextPaths.js"
import * as policies from "./policies.js"
import type { Outcome, Tree } from "./sandboxFiles.js"
import {
  batchesOf,
  deletionsOf,
  type Failures,
  makeFailures,
  maxBatchedFileBytes,
  partBytes,
  type Transfer,
  type TransferFailure
} from "./transfer.js"
import { abort, type Candidate, type Conflict, UploadBatch } from "./uploadBatch.js"

const empty: Tree = { files: [], others: [] }

const isMissing = (error: TransferFailure): boolean => error instanceof ToolFailure && error.text.startsWith("ENOENT")

/** A missing directory counts as empty. */
const listTree = ({ files, mapping }: Transfer) =>
  Effect.catchIf(files.list(mapping.path || "/", mapping.recursive), isMissing, () => Effect.succeed(empty))

/** What a session has of a mapping. */
export interface Found {
  readonly files: ReadonlyArray<Candidate>
  /** What is there and is not copied; with a reason where that is a failure. Nothing at or below it counts as deleted. */
  readonly others: ReadonlyArray<{ readonly stored: string; readonly reason: string | undefined }>
}

const found = ({ mapping }: Transfer, tree: Tree): Found => {
  const storedAs = (path: string) => mapping.storedPath + (path === "" ? "" : `/${path}`)
  const inner = (stored: string) => stored.slice(mapping.base.length)
  const files = tree.files.map((file) => {
    const stored = storedAs(file.path)
    return { ...file, source: mapping.path + stored.slice(mapping.storedPath.length), stored }
  }).filter(({ stored }) => policies.includes(mapping.policy, inner(stored)))
  const others = tree.others.map(({ path, reason }) => ({ stored: storedAs(path), reason }))
  const isOurs = ({ reason, stored }: Found["others"][number]) =>
    reason === undefined || policies.reaches(mapping.policy, inner(stored))
  return { files, others: others.filter(isOurs) }
}

/** What others did to a file that this session left as it was is not undone, but a transfer that is asked for is made. */
const isUnchanged = ({ context, manifest, mapping }: Transfer) => ({ stamp, stored }: Candidate): boolean => {
  const known = manifest.versions.get(stored)
  if (known?.stamp !== stamp) return false
  return !mapping.once || context.files.find(stored)?.blob === known.blob
}

export const append = ({ file }: Staged, bytes: Uint8Array) => onDisk(async () => file.write(bytes))

const changing = "it changed each time while it was read"

const inode = (stamp: string): string | undefined => stamp.split("-")[0]

/** Whether the file still begins with what has been read of it: it was only appended to. */
const isUnchangedStart = ({ files }: Transfer, { source }: Candidate, size: number, digest: string) =>
  Effect.gen(function*() {
    const hash = Crypto.createHash("sha256")
    for (let at = 0; at < size;) {
      const { bytes } = yield* files.readPart(source, at, Math.min(partBytes, size - at))
      if (bytes.length === 0) return false
      hash.update(bytes)
      at += bytes.length
    }
    return hash.digest("hex") === digest
  })

/**
 * Reads a large file; returns its stamp if it did not change meanwhile. With `mayGrow`, bytes appended while reading are
 * ignored.
 */
const readLarge = (transfer: Transfer, file: Candidate, mayGrow: boolean) => (staged: Staged) =>
  Effect.gen(function*() {
    const [{ files }, { source }] = [transfer, file]
    const hash = Crypto.createHash("sha256")
    const first = yield* files.readPart(source, 0, partBytes)
    const isSame = ({ size, stamp }: { readonly size: number; readonly stamp: string }) =>
      stamp === first.stamp || mayGrow && inode(stamp) === inode(first.stamp) && size >= first.size
    yield* append(staged, first.bytes)
    hash.update(first.bytes)
    while (staged.file.size < first.size) {
      const part = yield* files.readPart(source, staged.file.size, Math.min(partBytes, first.size - staged.file.size))
      if (!isSame(part) || part.bytes.length === 0) return undefined
      yield* append(staged, part.bytes)
      hash.update(part.bytes)
    }
    const last = yield* files.readPart(source, 0, 0)
    if (!isSame(last) || staged.file.size !== first.size) return undefined
    if (last.stamp === first.stamp) return first.stamp
    return (yield* isUnchangedStart(transfer, file, first.size, hash.digest("hex"))) ? first.stamp : undefined
  })

/** Reads a file that fits into one answer, which may be replaced all the time. */
const readAtOnce = ({ files }: Transfer, { source }: Candidate) => (staged: Staged) =>
  Effect.gen(function*() {
    const [read] = yield* files.readMany([{ path: source, length: partBytes }])
    if (read === undefined || "code" in read || read.stamp === "") return undefined
    yield* append(staged, read.bytes)
    return read.stamp
  })

type Fill = (staged: Staged) => Effect.Effect<string | undefined, TransferFailure>

/** What is attempted in turn to read a file in one state. */
const attempts = (transfer: Transfer, file: Candidate): ReadonlyArray<Fill> => [
  readLarge(transfer, file, false),
  readLarge(transfer, file, false),
  file.size <= partBytes ? readAtOnce(transfer, file) : readLarge(transfer, file, true)
]

/** Names a file that cannot be read; one that is gone is none. */
const noteFailure = (file: Candidate, failures: Failures) => <A, R>(effect: Effect.Effect<A, TransferFailure, R>) =>
  Effect.catchTag(
    effect,
    "ToolFailure",
    (error) => isMissing(error) ? Effect.void : failures.add(file.stored, error.text)
  )

/** Reads a file in one state into a content of its own, which is removed with the scope. */
export const readFile = (transfer: Transfer, file: Candidate, failures: Failures) =>
  Effect.gen(function*() {
    const { files } = transfer.context
    for (const fill of attempts(transfer, file)) {
      const staged = yield* Effect.acquireRelease(onDisk(() => files.stage()), abort)
      const stamp = yield* fill(staged)
      if (stamp === undefined) yield* abort(staged)
      else return yield* Effect.as(onDisk(() => files.finish(staged)), { staged, stamp })
    }
    yield* failures.add(file.stored, changing)
  }).pipe(noteFailure(file, failures), Effect.map((read) => read ?? undefined))

interface Upload {
  readonly transfer: Transfer
  readonly batch: UploadBatch
  readonly failures: Failures
}

/** Copies in parts, and starts over a limited number of times where the file changes meanwhile. */
const uploadLarge = ({ batch, failures, transfer }: Upload, file: Candidate): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    for (const fill of attempts(transfer, file)) {
      if (yield* batch.add(file, fill)) return
    }
    yield* failures.add(file.stored, changing)
  }).pipe(noteFailure(file, failures))

const uploadSmall = (
  upload: Upload,
  file: Candidate,
  read: Outcome & { readonly bytes: Uint8Array }
): Effect.Effect<void, TransferFailure> => {
  if ("code" in read) return read.code === "ENOENT" ? Effect.void : upload.failures.add(file.stored, read.message)
  return read.stamp !== ""
    ? Effect.asVoid(upload.batch.add(file, (staged) => Effect.as(append(staged, read.bytes), read.stamp)))
    : uploadLarge(upload, file)
}

const uploadMany = (upload: Upload, files: ReadonlyArray<Candidate>) =>
  Effect.flatMap(
    upload.transfer.files.readMany(files.map(({ size, source }) => ({ path: source, length: size }))),
    Effect.forEach(
      (read, index) => {
        const file = files[index]
        return file === undefined ? Effect.void : uploadSmall(upload, file, read)
      },
      { concurrency: 8, discard: true }
    )
  )

/** What was deleted in the session, and is in the context in the version that the session had. */
const deletedIn = ({ context, manifest, mapping }: Transfer, { files, others }: Found) => {
  const names = new Set(files.map(({ stored }) => stored))
  const isHidden = (path: string) => others.some(({ stored }) => isWithin(path, stored))
  const isBelow = (path: string) =>
    isWithin(path, mapping.storedPath) &&
    (mapping.recursive || !path.slice(mapping.storedPath.length + 1).includes("/"))
  return [...manifest.versions].flatMap(([path, { blob }]): ReadonlyArray<StoredFile> => {
    const file = isBelow(path) && !names.has(path) && !isHidden(path) ? context.files.find(path) : undefined
    return file?.blob === blob ? [file] : []
  })
}

/** What the session has of the mapping. */
export const listFiles = (transfer: Transfer): Effect.Effect<Found, TransferFailure> =>
  Effect.map(listTree(transfer), (tree) => found(transfer, tree))

/** Names what belongs to the mapping and could not be read. */
export const addUnreadable = (failures: Failures, { others }: Found): Effect.Effect<void, TransferFailure> =>
  Effect.forEach(
    others,
    ({ reason, stored }) => reason === undefined ? Effect.void : failures.add(stored, reason),
    { discard: true }
  )

export const addConflicts = (failures: Failures, conflicts: ReadonlyArray<Conflict>) =>
  Effect.forEach(
    conflicts,
    ({ path, storedAs }) =>
      failures.add(path, `it was changed in the context too, and stays so there; this session's is ${storedAs}`),
    { discard: true }
  )

/** Copies files that are new or have changed. */
export const upload = (transfer: Transfer, found: Found): Effect.Effect<void, TransferFailure> =>
  UploadBatch.use(transfer, (batch) =>
    Effect.gen(function*() {
      const failures = makeFailures(Infinity)
      const upload: Upload = { transfer, batch, failures }
      yield* addUnreadable(failures, found)
      const changed = found.files.filter((file) => !isUnchanged(transfer)(file))
      const large = changed.filter(({ size }) => size > maxBatchedFileBytes)
      const small = changed.filter(({ size }) => size <= maxBatchedFileBytes)
      yield* Effect.forEach(batchesOf(small), (files) => uploadMany(upload, files), { concurrency: 2, discard: true })
      yield* Effect.forEach(large, (file) => uploadLarge(upload, file), { discard: true })
      const isMirrored = transfer.mapping.policy.deletePolicy.syncLocalFile
      const { kept, made } = deletionsOf(isMirrored ? deletedIn(transfer, found) : [], failures)
      yield* addConflicts(failures, yield* batch.commit(made))
      yield* failures.end(found.files.length + found.others.filter(({ reason }) => reason !== undefined).length, kept)
    }))
