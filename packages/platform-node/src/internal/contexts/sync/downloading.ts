/** Copies files from a context into a session. */
import { ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import type { FilePart } from "../../sandbox/channel/protocol.js"
import type { StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { isWithin } from "./contextPaths.js"
import * as policies from "./policies.js"
import type { Outcome, SandboxFiles } from "./sandboxFiles.js"
import {
  batchesOf,
  type Failures,
  makeFailures,
  maxBatchedFileBytes,
  partBytes,
  type Transfer,
  type TransferFailure
} from "./transfer.js"

const targetOf = ({ mapping }: Transfer, { path }: StoredFile): string =>
  mapping.path + path.slice(mapping.storedPath.length)

/** The temporary name of an incomplete file, in the directory of the final one. */
const partialPath = (target: string): string =>
  `${target.slice(0, target.lastIndexOf("/") + 1)}.${Crypto.randomBytes(8).toString("hex")}.part`

const isIncluded = ({ manifest, mapping }: Transfer) => ({ blob, path }: StoredFile): boolean => {
  const rest = path.slice(mapping.storedPath.length + 1)
  return isWithin(path, mapping.storedPath) && (mapping.recursive || !rest.includes("/")) &&
    policies.includes(mapping.policy, path.slice(mapping.base.length)) &&
    !(mapping.once && manifest.versions.get(path)?.blob === blob)
}

const settle = (
  { manifest }: Transfer,
  { blob, path }: StoredFile,
  outcome: Outcome | undefined,
  failures: Failures
) => {
  if (outcome === undefined || "code" in outcome) return failures.add(path, outcome?.message ?? "no answer")
  manifest.versions.set(path, { blob, stamp: outcome.stamp })
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

/** Undefined where the file has been removed or replaced since it was listed. */
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
      return { path: partialPath(commit), offset: 0, length: bytes.length, commit, mode: file.mode }
    })
    const outcomes = yield* transfer.files.writeParts(parts, Buffer.concat(present.map(({ bytes }) => bytes)))
    yield* Effect.forEach(present, ({ file }, index) => settle(transfer, file, outcomes[index], failures), {
      discard: true
    })
  })

/** Returns the outcome of the last part, or of the one that failed. */
const writeParts = (transfer: Transfer, file: StoredFile, handle: FileHandle, temporary: string) =>
  Effect.gen(function*() {
    let outcome: Outcome | undefined
    // The buffer can be reused once a part has been answered.
    const buffer = Buffer.allocUnsafeSlow(Math.min(partBytes, file.size))
    for (let offset = 0; offset < file.size;) {
      const bytes = yield* readAt(handle, offset, buffer.subarray(0, file.size - offset))
      if (bytes.length === 0) return undefined
      const isLast = offset + bytes.length === file.size
      const written: FilePart = { path: temporary, offset, length: bytes.length }
      const part = isLast ? { ...written, commit: targetOf(transfer, file), mode: file.mode } : written
      outcome = (yield* transfer.files.writeParts([part], bytes))[0]
      if (outcome === undefined || "code" in outcome) return outcome
      offset += bytes.length
    }
    return outcome
  })

const downloadLarge = (transfer: Transfer, file: StoredFile, failures: Failures) =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* opened(transfer, file)
    const temporary = partialPath(targetOf(transfer, file))
    const outcome = yield* writeParts(transfer, file, handle, temporary).pipe(
      Effect.onInterrupt(() => transfer.files.removePartial(temporary))
    )
    yield* settle(transfer, file, outcome, failures)
  })).pipe(Effect.catchIf((error) => "code" in error && error.code === "ContextFile.NotFound", () => Effect.void))

const noBytes = new Uint8Array()

/** Fails unless the session can write the directory, which is created if it does not exist. */
export const requireWritable = (files: SandboxFiles, path: string): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    yield* files.createDirectory(path)
    const probe = partialPath(`${path}/`)
    const [outcome] = yield* files.writeParts([{ path: probe, offset: 0, length: 0 }], noBytes)
    if (outcome !== undefined && "code" in outcome) {
      const message = outcome.code === "EACCES" ? `The session cannot write here: ${path}` : outcome.message
      return yield* new ToolFailure({ text: `${outcome.code}: ${message}` })
    }
    yield* files.removePartial(probe)
  })

/** Copies every file of the mapping, and overwrites what the session has there. */
export const download = (transfer: Transfer): Effect.Effect<void, TransferFailure> =>
  Effect.gen(function*() {
    const { context, files, mapping } = transfer
    const failures = makeFailures()
    const included = context.files.all().filter(isIncluded(transfer))
    if (mapping.path !== "" && context.files.find(mapping.storedPath) === undefined) {
      yield* requireWritable(files, mapping.path)
    }
    yield* Effect.forEach(
      batchesOf(included.filter(({ size }) => size <= maxBatchedFileBytes)),
      (batch) => downloadBatch(transfer, batch, failures),
      { concurrency: 2, discard: true }
    )
    yield* Effect.forEach(
      included.filter(({ size }) => size > maxBatchedFileBytes),
      (file) => downloadLarge(transfer, file, failures),
      { discard: true }
    )
    yield* failures.end(included.length)
  })
