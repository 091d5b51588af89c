/** Mappings that are kept as one archive, `<path>.tar`, beside the path of the directory. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import type { FilePart } from "../../sandbox/channel/protocol.js"
import type { Staged, StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { isInner } from "./contextPaths.js"
import * as policies from "./policies.js"
import * as tar from "./tar.js"
import { makeFailures, type Mapping, partBytes, type Transfer, type TransferFailure } from "./transfer.js"
import { append, type Candidate, storeFile } from "./uploading.js"

export const archivePath = ({ base }: Mapping): string => `${base === "" ? "/root" : base}.tar`

export const isArchived = ({ policy }: Mapping): boolean => policy.uploadPolicy.uploadMode === "Archive"

const changed = (path: string) =>
  new ApiError({ status: 500, code: "Sync.Incomplete", message: `${path}: it changed while it was read` })

/** Appends a file with its header; bytes appended to it meanwhile are ignored. */
const addFile = ({ files, mapping, now }: Transfer, { mode, source, stored }: Candidate, staged: Staged) =>
  Effect.gen(function*() {
    const first = yield* files.readPart(source, 0, partBytes)
    const name = stored.slice(mapping.base.length + 1)
    yield* append(staged, tar.entry(name, first.size, mode, Math.floor(now() / 1000)))
    yield* append(staged, first.bytes)
    for (let at = first.bytes.length; at < first.size;) {
      const { bytes } = yield* files.readPart(source, at, Math.min(partBytes, first.size - at))
      if (bytes.length === 0) return yield* changed(stored)
      yield* append(staged, bytes)
      at += bytes.length
    }
    yield* append(staged, tar.padding(first.size))
  })

/** Uploads one archive of all files, unless none has changed. */
export const uploadArchive = (
  transfer: Transfer,
  found: ReadonlyArray<Candidate>
): Effect.Effect<void, TransferFailure> =>
  Effect.suspend(() => {
    const { context, mapping, synced } = transfer
    const stored = archivePath(mapping)
    const stamp = Crypto.createHash("sha256")
      .update(JSON.stringify(found.map((file) => [file.stored, file.stamp]).sort())).digest("hex")
    const known = synced.get(stored)
    if (known?.stamp === stamp && context.files.find(stored)?.blob === known.blob) return Effect.void
    const archive: Candidate = { path: "", source: "", stored, size: 0, mode: 0o644, stamp }
    const fill = (staged: Staged) =>
      Effect.forEach(found, (file) => addFile(transfer, file, staged), { discard: true }).pipe(
        Effect.zipRight(append(staged, tar.end())),
        Effect.as(stamp)
      )
    return Effect.asVoid(storeFile(transfer, archive, fill))
  })

const bytesAt = (handle: FileHandle, at: number, length: number) =>
  onDisk(async () => {
    const buffer = Buffer.alloc(length)
    const { bytesRead } = await handle.read(buffer, 0, length, at)
    return buffer.subarray(0, bytesRead)
  })

interface Member {
  readonly path: string
  readonly offset: number
  readonly size: number
  readonly mode: number
}

const maxNameBytes = 64 * 1024

const membersOf = (handle: FileHandle, size: number, limit: number) =>
  Effect.gen(function*() {
    const members: Array<Member> = []
    let name: string | undefined
    for (let at = 0; at < size && members.length < limit;) {
      const head = tar.readHeader(yield* bytesAt(handle, at, tar.block))
      if (head === undefined) break
      const offset = at + tar.block
      at = offset + head.size + tar.padding(head.size).length
      const isName = head.type === "long name" || head.type === "attributes"
      if (isName) {
        const text = yield* bytesAt(handle, offset, Math.min(head.size, maxNameBytes))
        name = head.type === "attributes"
          ? tar.pathAttribute(text) ?? name
          : text.toString("utf8").replace(/\0.*$/s, "")
        continue
      }
      const path = (name ?? head.name).replace(/^(\.?\/)+/, "")
      name = undefined
      const isWhole = offset + head.size <= size
      if (head.type === "file" && isWhole && path !== "" && isInner(path)) {
        members.push({ path, offset, size: head.size, mode: head.mode })
      }
    }
    return members
  })

const extractMember = ({ files, mapping }: Transfer, handle: FileHandle, { mode, offset, path, size }: Member) =>
  Effect.gen(function*() {
    const commit = `${mapping.path}/${path}`
    const temporary = `${commit.slice(0, commit.lastIndexOf("/") + 1)}.${Crypto.randomBytes(8).toString("hex")}.part`
    for (let at = 0;;) {
      const bytes = yield* bytesAt(handle, offset + at, Math.min(partBytes, size - at))
      const isLast = at + bytes.length >= size
      const written: FilePart = { path: temporary, offset: at, length: bytes.length }
      const [outcome] = yield* files.writeParts([isLast ? { ...written, commit, mode } : written], bytes)
      if (outcome !== undefined && "code" in outcome) return outcome.message
      if (isLast || bytes.length === 0) return undefined
      at += bytes.length
    }
  })

/** Extracts the regular files of an archive; members whose names lead out of the directory are skipped. */
export const extractArchive = (transfer: Transfer, archive: StoredFile): Effect.Effect<void, TransferFailure> =>
  Effect.scoped(Effect.gen(function*() {
    const { context, mapping } = transfer
    const failures = makeFailures()
    const handle = yield* Effect.acquireRelease(
      onDisk(() => context.files.read(archive)),
      (handle) => Effect.promise(() => handle.close().catch(() => {}))
    )
    const found = yield* membersOf(handle, archive.size, 100_000)
    const wanted = found.filter(({ path }) => policies.includes(mapping.policy, `/${path}`))
    yield* Effect.forEach(wanted, (member) =>
      Effect.flatMap(
        extractMember(transfer, handle, member),
        (reason) => reason === undefined ? Effect.void : failures.add(member.path, reason)
      ), { discard: true })
    yield* failures.end(wanted.length)
  }))
