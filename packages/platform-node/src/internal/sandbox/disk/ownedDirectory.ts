/** Directories on the host's disk that belong to this process, and removal of those whose process was killed. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as GlobalValue from "effect/GlobalValue"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { readText } from "../../readText.js"
import { decodeOwner, encodeOwner, isGone, self } from "./owner.js"
import { removeTree } from "./removeTree.js"

const ownerFile = "owner.json"

/** The directory could not be created, for example because the disk is full. */
export class OwnedDirectoryError extends Data.TaggedError("OwnedDirectoryError")<{ readonly reason: string }> {}

/** A directory that cannot be used, because the disk is full for example, is not left behind. */
const create = (prefix: string): string => {
  const owner = encodeOwner(self())
  const root = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), prefix))
  try {
    Fs.writeFileSync(Path.join(root, ownerFile), owner)
    return root
  } catch (error) {
    Fs.rmSync(root, { recursive: true, force: true })
    throw error
  }
}

const remove = (root: string): Effect.Effect<void> =>
  Effect.tryPromise(() => removeTree(root, ownerFile)).pipe(
    Effect.retry({ times: 3 }),
    Effect.catchAll((error) => Effect.logWarning(`Could not remove ${root}`, error))
  )

/**
 * A new directory below the system's temporary one, accessible to this user only and removed with the scope. If this
 * process is killed, {@link sweepDirectories} with the same prefix removes it later. It contains `owner.json`.
 */
export const ownedDirectory = (prefix: string): Effect.Effect<string, OwnedDirectoryError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => create(prefix), catch: (error) => new OwnedDirectoryError({ reason: String(error) }) }),
    remove
  )

/** Directories into which nothing but this process writes. */
const hostDirectories = GlobalValue.globalValue(
  "@effect-agb/platform-node/hostDirectories",
  () => new Set<string>()
)

/** The same, for what no session can write to. It is removed by {@link removeHostDirectories} too. */
export const hostDirectory = (prefix: string): Effect.Effect<string, OwnedDirectoryError, Scope.Scope> =>
  Effect.gen(function*() {
    let root = ""
    yield* Effect.addFinalizer(() => Effect.sync(() => hostDirectories.delete(root)))
    root = yield* ownedDirectory(prefix)
    hostDirectories.add(root)
    return root
  })

/** At once, for a process that has no time for finalizers. */
export const removeHostDirectories = (): void => {
  for (const root of hostDirectories) {
    try {
      Fs.rmSync(root, { recursive: true, force: true })
    } catch {
      // The next start removes it.
    }
  }
}

/** A directory without a readable owner is still being created, or was abandoned half-created; in milliseconds. */
const creationGraceMs = 600_000
const isAbandoned = (root: string): boolean => {
  const found = Fs.lstatSync(root)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return false
  return Either.match(decodeOwner(readText(Path.join(root, ownerFile))), {
    onLeft: () => Date.now() - found.mtimeMs > creationGraceMs,
    onRight: isGone
  })
}

/** What is done before each removal is shared by many that take place together. */
const maxConcurrentRemovals = 256

const abandoned = (prefix: string) =>
  Effect.sync(() => {
    const parent = Fs.realpathSync(Os.tmpdir())
    const named = Fs.readdirSync(parent).filter((name) => name.startsWith(prefix))
    return named.map((name) => Path.join(parent, name)).filter((root) => {
      try {
        return isAbandoned(root)
      } catch {
        return false
      }
    })
  })

/** Removes directories of this user with that prefix whose owner is gone; `before` runs ahead of each removal. */
export const sweepDirectories = (
  prefix: string,
  before: (root: string) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<void> =>
  abandoned(prefix).pipe(
    Effect.flatMap(
      Effect.forEach((root) => Effect.uninterruptible(Effect.zipRight(before(root), remove(root))), {
        concurrency: maxConcurrentRemovals,
        discard: true
      })
    ),
    Effect.catchAllDefect((defect) => Effect.logWarning("Could not look for abandoned directories", defect))
  )
