/** Mappings that are kept as one archive, `<path>.tar`, beside the path of the directory: how it is read and unpacked. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import type { FilePart } from "../../sandbox/channel/protocol.js"
import type { StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { isInner } from "./contextPaths.js"
import * as policies from "./policies.js"
import * as tar from "./tar.js"
import { makeFailures, type Mapping, partBytes, type Transfer, type TransferFailure } from "./transfer.js"

export const archivePath = ({ base }: Mapping): string => `${base === "" ? "/root" : base}.tar`

export const isArchived = ({ policy }: Mapping): boolean => policy.uploadPolicy.uploadMode === "Archive"

export interface OpenArchive extends tar.Archive {
  readonly read: tar.ReadAt
}

/** Opens an archive and reads its headers; it stays readable while it is replaced. */
export const openArchive = (
  { context }: Transfer,
  archive: StoredFile
): Effect.Effect<OpenArchive, TransferFailure, Scope.Scope> =>
  Effect.gen(function*() {
    const handle = yield* Effect.acquireRelease(
      onDisk(() => context.files.read(archive)),
      (handle) => Effect.promise(() => handle.close().catch(() => {}))
    )
    const read: tar.ReadAt = async (at, length) => {
      const buffer = Buffer.allocUnsafe(length)
      const { bytesRead } = await handle.read(buffer, 0, length, at)
      return buffer.subarray(0, bytesRead)
    }
    return { ...yield* onDisk(() => tar.readArchive(read, archive.size)), read }
  })

/** The last member of each path, by which the ones before it are replaced. */
export const effective = (members: ReadonlyArray<tar.Member>): ReadonlyMap<string, tar.Member> =>
  new Map(members.filter(({ path }) => path !== "" && isInner(path)).map((member) => [member.path, member]))

type Content = NonNullable<tar.Member["content"]>

/** Hands a content over in parts. */
export const forEachPart = <E>(
  { read }: OpenArchive,
  content: Content,
  use: (bytes: Buffer, at: number) => Effect.Effect<void, E>
) =>
  Effect.gen(function*() {
    for (let at = 0; at === 0 || at < content.size;) {
      const bytes = yield* onDisk(() => tar.readContent(read, content, at, partBytes))
      yield* use(bytes, at)
      at += Math.max(1, bytes.length)
    }
  })

interface Extracted {
  readonly stamp: string
  readonly digest: string
}

/** Returns why it could not be extracted, or what was. */
const extractMember = ({ files, mapping }: Transfer, archive: OpenArchive, member: tar.Member, content: Content) =>
  Effect.gen(function*() {
    const commit = `${mapping.path}/${member.path}`
    const temporary = `${commit.slice(0, commit.lastIndexOf("/") + 1)}.${Crypto.randomBytes(8).toString("hex")}.part`
    const hash = Crypto.createHash("sha256")
    let stamp = ""
    let failure: string | undefined
    yield* forEachPart(archive, content, (bytes, at) =>
      Effect.gen(function*() {
        if (failure !== undefined) return
        hash.update(bytes)
        const isLast = at + bytes.length >= content.size
        const written: FilePart = { path: temporary, offset: at, length: bytes.length }
        const part = isLast ? { ...written, commit, mode: member.mode } : written
        const [outcome] = yield* files.writeParts([part], bytes)
        if (outcome === undefined || "code" in outcome) failure = outcome?.message ?? "no answer"
        else stamp = outcome.stamp
      })).pipe(Effect.onInterrupt(() => files.removePartial(temporary)))
    return failure ?? { stamp, digest: hash.digest("hex") }
  })

/**
 * Extracts the regular files of an archive; members whose names lead out of the directory are skipped. What cannot be read is a
 * failure by name, and the rest is extracted.
 */
export const extractArchive = (transfer: Transfer, archive: StoredFile): Effect.Effect<void, TransferFailure> =>
  Effect.scoped(Effect.gen(function*() {
    const { manifest, mapping } = transfer
    const failures = makeFailures()
    const opened = yield* openArchive(transfer, archive)
    const known = manifest.members(archive.path)
    const wanted = [...effective(opened.members).values()].filter(({ path }) =>
      policies.includes(mapping.policy, `/${path}`)
    )
    let failed = 0
    const fail = (path: string, reason: string) => Effect.suspend(() => (failed++, failures.add(path, reason)))
    if (opened.problem !== undefined) yield* fail(archive.path, `the archive cannot be read: ${opened.problem}`)
    for (const member of wanted) {
      const { content, path, problem } = member
      if (content === undefined || problem !== undefined) {
        if (problem !== undefined) yield* fail(path, problem)
        continue
      }
      const extracted: string | Extracted = yield* extractMember(transfer, opened, member, content)
      if (typeof extracted === "string") yield* fail(path, extracted)
      else known.set(path, extracted)
    }
    if (failed === 0) manifest.versions.set(archive.path, { blob: archive.blob, stamp: "" })
    yield* failures.end(wanted.length)
  }))
