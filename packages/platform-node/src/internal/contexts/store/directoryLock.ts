/** Locks a directory for one server: a lock file names its owner, and is taken over once that process is gone. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { readText } from "../../readText.js"
import { decodeOwner, encodeOwner, isGone, self } from "../../sandbox/disk/owner.js"

type Attempt = "taken" | "try again" | { readonly heldBy: string }

/** Creates a file atomically with its content; returns false where it exists. */
const createExclusive = (path: string, text: string): boolean => {
  const temporary = `${path}.${Crypto.randomBytes(6).toString("hex")}.part`
  Fs.writeFileSync(temporary, text, { flag: "wx", mode: 0o600 })
  try {
    Fs.linkSync(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  } finally {
    Fs.rmSync(temporary, { force: true })
  }
}

const heldBy = (text: string): string | undefined =>
  Either.match(decodeOwner(text), {
    onLeft: () => "someone who left no readable name; remove the file if no server uses it",
    onRight: (owner) => isGone(owner) ? undefined : `process ${owner.pid} on ${owner.host}`
  })

/** Age at which the guard of a crashed takeover is removed, in milliseconds. */
const staleGuardMs = 5000

/** Guarded by a second file, so that no process removes a lock that another has just taken over. */
const takeOver = (lock: string, mine: string): Attempt => {
  const guard = `${lock}.takeover`
  if (!createExclusive(guard, mine)) {
    const found = Fs.statSync(guard, { throwIfNoEntry: false })
    if (found !== undefined && Date.now() - found.mtimeMs > staleGuardMs) Fs.rmSync(guard, { force: true })
    return "try again"
  }
  try {
    const text = readText(lock)
    if (text === undefined || heldBy(text) !== undefined) return "try again"
    Fs.rmSync(lock)
    return createExclusive(lock, mine) ? "taken" : "try again"
  } finally {
    Fs.rmSync(guard, { force: true })
  }
}

const attempt = (lock: string, mine: string): Attempt => {
  if (createExclusive(lock, mine)) return "taken"
  const text = readText(lock)
  if (text === undefined) return "try again"
  const owner = heldBy(text)
  return owner === undefined ? takeOver(lock, mine) : { heldBy: owner }
}

const lockedBy = (directory: string, why: string) =>
  new ConfigurationError({
    field: "contextsDirectory",
    expected: `a directory that no other server uses: ${directory} is held by ${why} (${Path.join(directory, "lock")})`
  })

const unusable = (directory: string, error: unknown) =>
  new ConfigurationError({
    field: "contextsDirectory",
    expected: `a directory that can be written: ${directory} (${
      error instanceof Error ? error.message : String(error)
    })`
  })

/** Attempts while another process takes over the lock, at intervals of 50 ms. */
const maxAttempts = 200

/** Locks the directory until the scope ends; fails at once where a running process holds the lock. */
export const lockDirectory = (directory: string): Effect.Effect<void, ConfigurationError, Scope.Scope> =>
  Effect.suspend(() => {
    const lock = Path.join(directory, "lock")
    const mine = encodeOwner(self())
    const once = Effect.try({ try: () => attempt(lock, mine), catch: (error) => unusable(directory, error) })
    const take = (left: number): Effect.Effect<void, ConfigurationError> =>
      Effect.flatMap(once, (found) => {
        if (found === "taken") return Effect.void
        if (found !== "try again") return lockedBy(directory, found.heldBy)
        return left === 0 ? lockedBy(directory, "a starting server") : Effect.delay(take(left - 1), "50 millis")
      })
    const release = Effect.sync(() => {
      if (readText(lock) === mine) Fs.rmSync(lock, { force: true })
    })
    return Effect.acquireRelease(take(maxAttempts), () => release)
  })
