/** Uploads what a session has changed of an archive: everything else in it stays as it is, byte by byte. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import type { Staged, StoredFile } from "../store/contextFiles.js"
import { onDisk } from "../store/storageFailure.js"
import { archivePath, effective, forEachPart, type OpenArchive, openArchive } from "./archiving.js"
import { isWithin } from "./contextPaths.js"
import { conflictPath } from "./manifest.js"
import * as tar from "./tar.js"
import { deletionsOf, type Failures, makeFailures, partBytes, type Transfer, type TransferFailure } from "./transfer.js"
import { type Candidate, UploadBatch } from "./uploadBatch.js"
import { addUnreadable, append, type Found, readFile } from "./uploading.js"

/** A changed file of the session, with its content as it was at one time. */
interface Change {
  /** Path in the archive. */
  readonly name: string
  readonly file: Candidate
  readonly staged: Staged
  readonly stamp: string
  readonly digest: string
}

interface Plan {
  /** Members that stay, in their order: a hard link needs what it leads to ahead of it. */
  readonly kept: ReadonlyArray<tar.Member>
  /** Those of them that are hard links to members which do not stay: they become files. */
  readonly unlinked: ReadonlySet<tar.Member>
  readonly changes: ReadonlyArray<Change & { readonly storedAs: string }>
}

const unreadable: OpenArchive = { members: [], problem: undefined, read: async () => Buffer.alloc(0) }

const digestOf = (staged: Staged, { context }: Transfer) =>
  Effect.acquireUseRelease(
    onDisk(() => context.files.read(staged)),
    (handle) =>
      Effect.gen(function*() {
        const hash = Crypto.createHash("sha256")
        yield* eachPart(handle, staged.file.size, (bytes) => Effect.sync(() => void hash.update(bytes)))
        return hash.digest("hex")
      }),
    (handle) => Effect.promise(() => handle.close().catch(() => {}))
  )

type Handle = { readonly read: (buffer: Buffer, at: number, length: number, position: number) => Promise<unknown> }

const eachPart = <E>(handle: Handle, size: number, use: (bytes: Buffer) => Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    for (let at = 0; at < size; at += partBytes) {
      const bytes = Buffer.allocUnsafe(Math.min(partBytes, size - at))
      yield* onDisk(() => handle.read(bytes, 0, bytes.length, at))
      yield* use(bytes)
    }
  })

/** Reads the changed files, each in one state; those that cannot be read are failures. */
const readChanges = (
  transfer: Transfer,
  files: ReadonlyArray<Candidate>,
  failures: Failures
): Effect.Effect<ReadonlyArray<Change>, TransferFailure, Scope.Scope> =>
  Effect.map(
    Effect.forEach(files, (file) =>
      Effect.gen(function*() {
        const read = yield* readFile(transfer, file, failures)
        if (read === undefined) return []
        const name = file.stored.slice(transfer.mapping.base.length + 1)
        return [{ ...read, name, file, digest: yield* digestOf(read.staged, transfer) }]
      })),
    (changes) => changes.flat()
  )

/** What the session has deleted of that which it had. */
const deletedNames = ({ manifest, mapping }: Transfer, { files, others }: Found): ReadonlyArray<string> => {
  if (!mapping.policy.deletePolicy.syncLocalFile) return []
  const present = new Set(files.map(({ stored }) => stored))
  return [...manifest.members(archivePath(mapping)).keys()].filter((name) => {
    const stored = `${mapping.base}/${name}`
    return !present.has(stored) && !others.some((other) => isWithin(stored, other.stored))
  })
}

const memberDigest = (archive: OpenArchive, content: NonNullable<tar.Member["content"]>) =>
  Effect.gen(function*() {
    const hash = Crypto.createHash("sha256")
    yield* forEachPart(archive, content, (bytes) => Effect.sync(() => void hash.update(bytes)))
    return hash.digest("hex")
  })

/** The names whose members have been changed by others since the session got them. */
const foreignNames = (transfer: Transfer, archive: OpenArchive, names: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const known = transfer.manifest.members(archivePath(transfer.mapping))
    const members = effective(archive.members)
    const foreign = new Set<string>()
    for (const name of names) {
      const member = members.get(name)
      if (member === undefined) continue
      const digest = member.content === undefined ? undefined : yield* memberDigest(archive, member.content)
      if (digest === undefined || digest !== known.get(name)?.digest) foreign.add(name)
    }
    return foreign
  })

const planOf = (
  archive: OpenArchive,
  changes: ReadonlyArray<Change>,
  deleted: ReadonlyArray<string>,
  foreign: ReadonlySet<string>,
  session: string
): Plan => {
  const placed = changes.map((change) => ({
    ...change,
    storedAs: foreign.has(change.name) ? conflictPath(change.name, session) : change.name
  }))
  const gone = new Set([...placed.map(({ storedAs }) => storedAs), ...deleted.filter((name) => !foreign.has(name))])
  const kept = archive.members.filter(({ path }) => !gone.has(path))
  const unlinked = kept.filter(({ content, link }) => link !== undefined && content !== undefined && gone.has(link))
  return { kept, unlinked: new Set(unlinked), changes: placed }
}

/** Byte by byte, with all its headers. */
const copyMember = (staged: Staged, { read }: OpenArchive, { end, start }: tar.Member) =>
  Effect.gen(function*() {
    for (let at = start; at < end; at += partBytes) {
      yield* append(staged, yield* onDisk(() => read(at, Math.min(partBytes, end - at))))
    }
  })

const writeAsFile = (staged: Staged, archive: OpenArchive, { content, mode, path }: tar.Member, seconds: number) =>
  Effect.gen(function*() {
    if (content === undefined) return
    yield* append(staged, tar.entry(path, content.size, mode, seconds))
    yield* forEachPart(archive, content, (bytes) => append(staged, bytes))
    yield* append(staged, tar.padding(content.size))
  })

const writeArchive =
  (transfer: Transfer, archive: OpenArchive, { changes, kept, unlinked }: Plan) => (staged: Staged) =>
    Effect.gen(function*() {
      const seconds = Math.floor(transfer.now() / 1000)
      for (const member of kept) {
        yield* unlinked.has(member)
          ? writeAsFile(staged, archive, member, seconds)
          : copyMember(staged, archive, member)
      }
      for (const change of changes) {
        const { size } = change.staged.file
        yield* append(staged, tar.entry(change.storedAs, size, change.file.mode, seconds))
        yield* Effect.acquireUseRelease(
          onDisk(() => transfer.context.files.read(change.staged)),
          (handle) => eachPart(handle, size, (bytes) => append(staged, bytes)),
          (handle) => Effect.promise(() => handle.close().catch(() => {}))
        )
        yield* append(staged, tar.padding(size))
      }
      yield* append(staged, tar.end())
      return ""
    })

/** Notes what the archive has now of the session's files, and names conflicts. */
const settle = (transfer: Transfer, { changes }: Plan, deleted: ReadonlyArray<string>, failures: Failures) =>
  Effect.suspend(() => {
    const known = transfer.manifest.members(archivePath(transfer.mapping))
    for (const name of deleted) known.delete(name)
    for (const { digest, name, stamp, storedAs } of changes) {
      known.set(name, { stamp, digest: name === storedAs ? digest : known.get(name)?.digest ?? "" })
    }
    return Effect.forEach(
      changes.filter(({ name, storedAs }) => name !== storedAs),
      ({ name, storedAs }) =>
        failures.add(name, `it was changed in the archive too, and stays so there; this session's is ${storedAs}`),
      { discard: true }
    )
  })

const candidate = (stored: string): Candidate => ({ path: "", source: "", stored, size: 0, mode: 0o644, stamp: "" })

const store = (
  transfer: Transfer,
  stored: string,
  current: StoredFile | undefined,
  fill: (staged: Staged) => Effect.Effect<string, TransferFailure>
) =>
  UploadBatch.use(transfer, (batch) => {
    const rule = { mayReplace: (found?: StoredFile) => found?.blob === current?.blob, otherwise: undefined }
    return Effect.zipRight(batch.add(candidate(stored), fill, rule), Effect.asVoid(batch.commit()))
  })

/** An archive that cannot be read stays, and the session's files get one beside it. */
const storeBeside = (transfer: Transfer, stored: string, problem: string, plan: Plan, failures: Failures) => {
  const beside = conflictPath(stored, transfer.session)
  return store(transfer, beside, transfer.context.files.find(beside), writeArchive(transfer, unreadable, plan)).pipe(
    Effect.zipRight(failures.add(stored, `it cannot be read: ${problem}; this session's files are in ${beside}`))
  )
}

interface Changes {
  readonly changes: ReadonlyArray<Change>
  readonly deleted: ReadonlyArray<string>
  readonly failures: Failures
}

/** Makes the changes in the archive as it is now; fails where it is replaced meanwhile. */
const merge = (transfer: Transfer, { changes, deleted, failures }: Changes): Effect.Effect<void, TransferFailure> =>
  Effect.scoped(Effect.gen(function*() {
    const { context, manifest, mapping, session } = transfer
    const stored = archivePath(mapping)
    const current = context.files.find(stored)
    const archive = current === undefined ? unreadable : yield* openArchive(transfer, current)
    if (archive.problem !== undefined) {
      if (changes.length === 0) return yield* failures.add(stored, `it cannot be read: ${archive.problem}`)
      const plan = planOf(unreadable, changes, [], new Set(), session)
      return yield* storeBeside(transfer, stored, archive.problem, plan, failures)
    }
    const isOwn = manifest.mayReplace(stored, current)
    const names = [...changes.map(({ name }) => name), ...deleted]
    const foreign = isOwn ? new Set<string>() : yield* foreignNames(transfer, archive, names)
    const plan = planOf(archive, changes, deleted, foreign, session)
    const before = manifest.versions.get(stored)
    yield* store(transfer, stored, current, writeArchive(transfer, archive, plan))
    // What others put into it meanwhile has not been in this session.
    if (!isOwn && before !== undefined) manifest.versions.set(stored, before)
    if (!isOwn && before === undefined) manifest.versions.delete(stored)
    yield* settle(transfer, plan, deleted, failures)
  }))

const isReplaced = (error: TransferFailure): boolean => error instanceof ApiError && error.code === "PreconditionFailed"

const mergeAttempts = 5

/** Stores what the session has changed since its own download, if anything. */
export const uploadArchive = (transfer: Transfer, found: Found): Effect.Effect<void, TransferFailure> =>
  Effect.scoped(Effect.gen(function*() {
    const { manifest, mapping } = transfer
    const failures = makeFailures(Infinity)
    yield* addUnreadable(failures, found)
    const known = manifest.members(archivePath(mapping))
    const changed = found.files.filter(({ stamp, stored }) =>
      known.get(stored.slice(mapping.base.length + 1))?.stamp !== stamp
    )
    const changes = yield* readChanges(transfer, changed, failures)
    const { made: deleted, kept } = deletionsOf(deletedNames(transfer, found), failures)
    if (changes.length + deleted.length > 0) {
      yield* merge(transfer, { changes, deleted, failures }).pipe(
        Effect.retry({ times: mergeAttempts, while: isReplaced })
      )
    }
    yield* failures.end(found.files.length + found.others.filter(({ reason }) => reason !== undefined).length, kept)
  }))
