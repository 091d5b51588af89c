/** Directories on the host's disk that belong to this process, and the removal of those whose process was killed. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { decodeOwner, encodeOwner, isGone, self } from "./owner.js"
import { removeTree } from "./removeTree.js"

const ownerFile = "owner.json"

/** The directory could not be made, for example because the disk is full. */
export class OwnedDirectoryError extends Data.TaggedError("OwnedDirectoryError")<{ readonly reason: string }> {}

const create = (prefix: string): string => {
  const owner = encodeOwner(self())
  const root = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), prefix))
  Fs.writeFileSync(Path.join(root, ownerFile), owner)
  return root
}

const remove = (root: string): Effect.Effect<void> =>
  Effect.tryPromise(() => removeTree(root, ownerFile)).pipe(
    Effect.retry({ times: 3 }),
    Effect.catchAll((error) => Effect.logWarning(`Could not remove ${root}`, error))
  )

/**
 * A fresh directory below the temporary one, which only this user may enter; gone with the scope. Where this process is
 * killed, {@link sweepDirectories} with the same prefix removes it later. It holds a file `owner.json`.
 */
export const ownedDirectory = (prefix: string): Effect.Effect<string, OwnedDirectoryError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => create(prefix), catch: (error) => new OwnedDirectoryError({ reason: String(error) }) }),
    remove
  )

/** A directory without a readable owner is in the making, or was left half made. */
const stillInTheMaking = 600_000

const textOf = (path: string): string | null => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return null
  }
}

const isAbandoned = (root: string): boolean => {
  const found = Fs.lstatSync(root)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return false
  return Either.match(decodeOwner(textOf(Path.join(root, ownerFile))), {
    onLeft: () => Date.now() - found.mtimeMs > stillInTheMaking,
    onRight: isGone
  })
}

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

/**
 * Removes the directories of that prefix, made by this user, whose process has ended without removing them; `before`
 * gets the path of each.
 */
export const sweepDirectories = (
  prefix: string,
  before: (root: string) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<void> =>
  abandoned(prefix).pipe(
    Effect.flatMap(
      Effect.forEach((root) => Effect.uninterruptible(Effect.zipRight(before(root), remove(root))), { discard: true })
    ),
    Effect.catchAllDefect((defect) => Effect.logWarning("Could not look for abandoned directories", defect))
  )
