/** Copies files from a session into a context. */
import { ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { PutOptions, Staged } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { isWithin } from "./contextPaths.js"
import * as policies from "./policies.js"
import type { Outcome, Tree, TreeFile } from "./sandboxFiles.js"
import {
  batchesOf,
  type Failures,
  makeFailures,
  maxBatchedFileBytes,
  partBytes,
  type Transfer,
  type TransferFailure
} from "./transfer.js"

export interface Candidate extends TreeFile {
  /** Path in the session. */
  readonly source: string
  /** Path in the context. */
  readonly stored: string
}

const empty: Tree = { files: [], skipped: { links: 0, special: 0, unreadable: 0 } }

const isMissing = (error: TransferFailure): boolean => error instanceof ToolFailure && error.text.startsWith("ENOENT")

/** A missing directory counts as empty. */
const listTree = ({ files, mapping }: Transfer) =>
  Effect.catchIf(files.list(mapping.path || "/", mapping.recursive), isMissing, () => Effect.succeed(empty))

const candidates = ({ mapping }: Transfer, tree: Tree): ReadonlyArray<Candidate> =>
  tree.files.map((file) => {
    const rest = file.path === "" ? "" : `/${file.path}`
    return { ...file, source: mapping.path + rest, stored: mapping.storedPath + rest }
  }).filter(({ stored }) => policies.includes(mapping.policy, stored.slice(mapping.base.length)))

const isUnchanged = ({ context, synced }: Transfer) => ({ stamp, stored }: Candidate): boolean => {
  const known = synced.get(stored)
  return known !== undefined && known.stamp === stamp && context.files.find(stored)?.blob === known.blob
}

/**
 * Stores one file, whose content `fill` writes; it returns the stamp of what it read, or undefined to give up. A failure or
 * interruption leaves nothing behind.
 */
export const storeFile = (
  { context, mapping, now, synced }: Transfer,
  { mode, stored }: Candidate,
  fill: (staged: Staged) => Effect.Effect<string | undefined, TransferFailure>
) =>
  Effect.acquireUseRelease(
    onDisk(() => context.files.stage()),
    (staged) =>
      Effect.flatMap(fill(staged), (stamp) => {
        if (stamp === undefined) return Effect.succeed(false)
        const expires = policies.expiry(mapping.policy, stored.slice(mapping.base.length), now())
        const options: PutOptions = { mode, expires }
        return Effect.map(Effect.uninterruptible(onDisk(() => context.files.put(stored, staged, options))), (file) => {
          synced.set(stored, { blob: file.blob, stamp })
          return true
        })
      }),
    ({ file }) => Effect.promise(() => file.abort())
  )

export const append = ({ file }: Staged, bytes: Uint8Array) => onDisk(async () => file.write(bytes))

const inode = (stamp: string): string | undefined => stamp.split("-")[0]

/**
 * Reads a large file; returns its stamp if it did not change meanwhile. With `mayGrow`, bytes appended while reading are
 * ignored.
 */
const readLarge = ({ files }: Transfer, { source }: Candidate, mayGrow: boolean) => (staged: Staged) =>
  Effect.gen(function*() {
    const first = yield* files.readPart(source, 0, partBytes)
    const isSame = ({ size, stamp }: { readonly size: number; readonly stamp: string }) =>
      stamp === first.stamp || mayGrow && inode(stamp) === inode(first.stamp) && size >= first.size
    yield* append(staged, first.bytes)
    while (staged.file.size < first.size) {
      const part = yield* files.readPart(source, staged.file.size, Math.min(partBytes, first.size - staged.file.size))
      if (!isSame(part) || part.bytes.length === 0) return undefined
      yield* append(staged, part.bytes)
    }
    const last = yield* files.readPart(source, 0, 0)
    return isSame(last) && staged.file.size === first.size ? first.stamp : undefined
  })

/** Whether the file may grow, for each attempt. */
const attempts = [false, false, true]

/** Copies in parts, and starts over a limited number of times where the file changes meanwhile. */
const uploadLarge = (transfer: Transfer, file: Candidate, failures: Failures): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    for (const mayGrow of attempts) {
      if (yield* storeFile(transfer, file, readLarge(transfer, file, mayGrow))) return
    }
    yield* failures.add(file.stored, "it changed each time while it was read")
  }).pipe(
    Effect.catchTag(
      "ToolFailure",
      (error) => isMissing(error) ? Effect.void : failures.add(file.stored, error.text)
    )
  )

const uploadSmall = (
  transfer: Transfer,
  file: Candidate,
  read: Outcome & { readonly bytes: Uint8Array },
  failures: Failures
): Effect.Effect<void, TransferFailure> => {
  if ("code" in read) return read.code === "ENOENT" ? Effect.void : failures.add(file.stored, read.message)
  return read.stamp === file.stamp && read.bytes.length === file.size
    ? Effect.asVoid(storeFile(transfer, file, (staged) => Effect.as(append(staged, read.bytes), read.stamp)))
    : uploadLarge(transfer, file, failures)
}

const uploadBatch = (transfer: Transfer, batch: ReadonlyArray<Candidate>, failures: Failures) =>
  Effect.flatMap(
    transfer.files.readMany(batch.map(({ size, source }) => ({ path: source, length: size }))),
    Effect.forEach(
      (read, index) => {
        const file = batch[index]
        return file === undefined ? Effect.void : uploadSmall(transfer, file, read, failures)
      },
      { concurrency: 8, discard: true }
    )
  )

/** Removes from the context what was deleted in the session, unless another version has been stored meanwhile. */
const mirrorDeletions = ({ context, mapping, synced }: Transfer, present: ReadonlyArray<Candidate>) =>
  Effect.suspend(() => {
    const names = new Set(present.map(({ stored }) => stored))
    const isBelow = (path: string) =>
      isWithin(path, mapping.storedPath) &&
      (mapping.recursive || !path.slice(mapping.storedPath.length + 1).includes("/"))
    const deleted = [...synced].filter(([path]) => isBelow(path) && !names.has(path))
    return Effect.forEach(deleted, ([path, { blob }]) => {
      synced.delete(path)
      return context.files.find(path)?.blob === blob ? onDisk(() => context.files.remove(path)) : Effect.void
    }, { discard: true })
  })

/** The files of the session that belong to the mapping. */
export const listFiles = (transfer: Transfer): Effect.Effect<ReadonlyArray<Candidate>, TransferFailure> =>
  Effect.map(listTree(transfer), (tree) => candidates(transfer, tree))

/** Copies files that are new or have changed. */
export const upload = (
  transfer: Transfer,
  found: ReadonlyArray<Candidate>
): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    const failures = makeFailures()
    const changed = found.filter((file) => !isUnchanged(transfer)(file))
    const large = changed.filter(({ size }) => size > maxBatchedFileBytes)
    const small = changed.filter(({ size }) => size <= maxBatchedFileBytes)
    yield* Effect.forEach(batchesOf(small), (batch) => uploadBatch(transfer, batch, failures), {
      concurrency: 2,
      discard: true
    })
    yield* Effect.forEach(large, (file) => uploadLarge(transfer, file, failures), { discard: true })
    if (transfer.mapping.policy.deletePolicy.syncLocalFile) yield* mirrorDeletions(transfer, found)
    yield* failures.end(changed.length)
  })
