/** From a session into a context. */
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
  pieceBytes,
  smallBytes,
  type Transfer,
  type TransferFailure
} from "./transfer.js"

export interface Candidate extends TreeFile {
  /** In the session. */
  readonly source: string
  /** In the context. */
  readonly stored: string
}

const empty: Tree = { files: [], skipped: { links: 0, special: 0, unreadable: 0 } }

const isMissing = (error: TransferFailure): boolean => error instanceof ToolFailure && error.text.startsWith("ENOENT")

/** A directory that is not there holds nothing. */
const listed = ({ files, mapping }: Transfer) =>
  Effect.catchIf(files.list(mapping.path || "/", mapping.recursive), isMissing, () => Effect.succeed(empty))

const candidates = ({ mapping }: Transfer, tree: Tree): ReadonlyArray<Candidate> =>
  tree.files.map((file) => {
    const rest = file.path === "" ? "" : `/${file.path}`
    return { ...file, source: mapping.path + rest, stored: mapping.storedPath + rest }
  }).filter(({ stored }) => policies.includes(mapping.policy, stored.slice(mapping.base.length)))

const isShared = ({ context, shared }: Transfer) => ({ stamp, stored }: Candidate): boolean => {
  const known = shared.get(stored)
  return known !== undefined && known.stamp === stamp && context.files.find(stored)?.blob === known.blob
}

/** Stores one content; whatever keeps it from getting its name leaves nothing. */
export const storing = (
  { context, mapping, now, shared }: Transfer,
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
          shared.set(stored, { blob: file.blob, stamp })
          return true
        })
      }),
    ({ file }) => Effect.promise(() => file.abort())
  )

export const append = ({ file }: Staged, bytes: Uint8Array) => onDisk(async () => file.write(bytes))

const inode = (stamp: string): string | undefined => stamp.split("-")[0]

/** The stamp of a file that stayed the same while it was read, or undefined. A growing file is read to its first end. */
const readInto = ({ files }: Transfer, { source }: Candidate, mayGrow: boolean) => (staged: Staged) =>
  Effect.gen(function*() {
    const first = yield* files.readPart(source, 0, pieceBytes)
    const isSame = ({ size, stamp }: { readonly size: number; readonly stamp: string }) =>
      stamp === first.stamp || mayGrow && inode(stamp) === inode(first.stamp) && size >= first.size
    yield* append(staged, first.bytes)
    while (staged.file.size < first.size) {
      const part = yield* files.readPart(source, staged.file.size, Math.min(pieceBytes, first.size - staged.file.size))
      if (!isSame(part) || part.bytes.length === 0) return undefined
      yield* append(staged, part.bytes)
    }
    const last = yield* files.readPart(source, 0, 0)
    return isSame(last) && staged.file.size === first.size ? first.stamp : undefined
  })

const attempts = [false, false, true]

/** In pieces, once more when it changed meanwhile, and not for ever. */
const uploadLarge = (transfer: Transfer, file: Candidate, failures: Failures): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    for (const mayGrow of attempts) {
      if (yield* storing(transfer, file, readInto(transfer, file, mayGrow))) return
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
    ? Effect.asVoid(storing(transfer, file, (staged) => Effect.as(append(staged, read.bytes), read.stamp)))
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

/** What the session had and has no longer is removed from the context, unless another version came there meanwhile. */
const mirrorDeletions = ({ context, mapping, shared }: Transfer, present: ReadonlyArray<Candidate>) =>
  Effect.suspend(() => {
    const names = new Set(present.map(({ stored }) => stored))
    const isBelow = (path: string) =>
      isWithin(path, mapping.storedPath) &&
      (mapping.recursive || !path.slice(mapping.storedPath.length + 1).includes("/"))
    const gone = [...shared].filter(([path]) => isBelow(path) && !names.has(path))
    return Effect.forEach(gone, ([path, { blob }]) => {
      shared.delete(path)
      return context.files.find(path)?.blob === blob ? onDisk(() => context.files.remove(path)) : Effect.void
    }, { discard: true })
  })

/** What of a session belongs to the mapping. */
export const found = (transfer: Transfer): Effect.Effect<ReadonlyArray<Candidate>, TransferFailure> =>
  Effect.map(listed(transfer), (tree) => candidates(transfer, tree))

/** Copies what is new or changed. */
export const upload = (
  transfer: Transfer,
  found: ReadonlyArray<Candidate>
): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    const failures = makeFailures()
    const changed = found.filter((file) => !isShared(transfer)(file))
    const large = changed.filter(({ size }) => size > smallBytes)
    const small = changed.filter(({ size }) => size <= smallBytes)
    yield* Effect.forEach(batchesOf(small), (batch) => uploadBatch(transfer, batch, failures), {
      concurrency: 2,
      discard: true
    })
    yield* Effect.forEach(large, (file) => uploadLarge(transfer, file, failures), { discard: true })
    if (transfer.mapping.policy.deletePolicy.syncLocalFile) yield* mirrorDeletions(transfer, found)
    yield* failures.end(changed.length)
  })
