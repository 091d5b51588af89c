/** From a context into a session. */
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import type { FilePart } from "../../sandbox/channel/protocol.js"
import type { StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { isWithin } from "./contextPaths.js"
import * as policies from "./policies.js"
import type { Outcome } from "./sandboxFiles.js"
import {
  batchesOf,
  type Failures,
  makeFailures,
  pieceBytes,
  smallBytes,
  type Transfer,
  type TransferFailure
} from "./transfer.js"

const targetOf = ({ mapping }: Transfer, { path }: StoredFile): string =>
  mapping.path + path.slice(mapping.storedPath.length)

/** The name of a file that is not whole yet, next to its later place. */
const unfinished = (target: string): string =>
  `${target.slice(0, target.lastIndexOf("/") + 1)}.${Crypto.randomBytes(8).toString("hex")}.part`

const isWanted = ({ mapping, shared }: Transfer) => ({ blob, path }: StoredFile): boolean => {
  const rest = path.slice(mapping.storedPath.length + 1)
  return isWithin(path, mapping.storedPath) && (mapping.recursive || !rest.includes("/")) &&
    policies.includes(mapping.policy, path.slice(mapping.base.length)) &&
    !(mapping.once && shared.get(path)?.blob === blob)
}

const settle = ({ shared }: Transfer, { blob, path }: StoredFile, outcome: Outcome | undefined, failures: Failures) => {
  if (outcome === undefined || "code" in outcome) return failures.add(path, outcome?.message ?? "no answer")
  shared.set(path, { blob, stamp: outcome.stamp })
  return Effect.void
}

const opened = ({ context }: Transfer, file: StoredFile) =>
  Effect.acquireRelease(
    onDisk(() => context.files.read(file)),
    (handle) => Effect.promise(() => handle.close().catch(() => {}))
  )

const readAt = (handle: FileHandle, position: number, buffer: Buffer) =>
  onDisk(async () => {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    return buffer.subarray(0, bytesRead)
  })

/** Empty when it has been removed or replaced since it was listed. */
const contentOf = (transfer: Transfer, file: StoredFile) =>
  Effect.scoped(Effect.flatMap(opened(transfer, file), (handle) => readAt(handle, 0, Buffer.allocUnsafe(file.size))))
    .pipe(
      Effect.map((bytes) => bytes.length === file.size ? bytes : undefined),
      Effect.catchIf(({ code }) => code === "ContextFile.NotFound", () => Effect.succeed(undefined))
    )

const downloadBatch = (transfer: Transfer, batch: ReadonlyArray<StoredFile>, failures: Failures) =>
  Effect.gen(function*() {
    const contents = yield* Effect.forEach(batch, (file) => contentOf(transfer, file), { concurrency: 8 })
    const present = batch.flatMap((file, index) => {
      const bytes = contents[index]
      return bytes === undefined ? [] : [{ file, bytes }]
    })
    const parts = present.map(({ bytes, file }): FilePart => {
      const commit = targetOf(transfer, file)
      return { path: unfinished(commit), offset: 0, length: bytes.length, commit, mode: file.mode }
    })
    const outcomes = yield* transfer.files.writeParts(parts, Buffer.concat(present.map(({ bytes }) => bytes)))
    yield* Effect.forEach(present, ({ file }, index) => settle(transfer, file, outcomes[index], failures), {
      discard: true
    })
  })

/** The outcome of the last piece, or of the one that failed. */
const writePieces = (transfer: Transfer, file: StoredFile, handle: FileHandle, temporary: string) =>
  Effect.gen(function*() {
    let outcome: Outcome | undefined
    // The answer to a piece says that it has been read, so that its buffer is free.
    const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, file.size))
    for (let offset = 0; offset < file.size;) {
      const bytes = yield* readAt(handle, offset, buffer.subarray(0, file.size - offset))
      if (bytes.length === 0) return undefined
      const isLast = offset + bytes.length === file.size
      const place: FilePart = { path: temporary, offset, length: bytes.length }
      const part = isLast ? { ...place, commit: targetOf(transfer, file), mode: file.mode } : place
      outcome = (yield* transfer.files.writeParts([part], bytes))[0]
      if (outcome === undefined || "code" in outcome) return outcome
      offset += bytes.length
    }
    return outcome
  })

const downloadLarge = (transfer: Transfer, file: StoredFile, failures: Failures) =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* opened(transfer, file)
    const temporary = unfinished(targetOf(transfer, file))
    const outcome = yield* writePieces(transfer, file, handle, temporary).pipe(
      Effect.onInterrupt(() => transfer.files.forget(temporary))
    )
    yield* settle(transfer, file, outcome, failures)
  })).pipe(Effect.catchIf((error) => "code" in error && error.code === "ContextFile.NotFound", () => Effect.void))

/** Copies every file of the mapping over what the session has there. */
export const download = (transfer: Transfer): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    const { context, files, mapping } = transfer
    const failures = makeFailures()
    const wanted = context.files.all().filter(isWanted(transfer))
    if (mapping.path !== "" && context.files.find(mapping.storedPath) === undefined) {
      yield* files.createDirectory(mapping.path)
    }
    yield* Effect.forEach(
      batchesOf(wanted.filter(({ size }) => size <= smallBytes)),
      (batch) => downloadBatch(transfer, batch, failures),
      { concurrency: 2, discard: true }
    )
    yield* Effect.forEach(
      wanted.filter(({ size }) => size > smallBytes),
      (file) => downloadLarge(transfer, file, failures),
      { discard: true }
    )
    yield* failures.end(wanted.length)
  })
