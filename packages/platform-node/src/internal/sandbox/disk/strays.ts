/**
 * Processes that left the process group of a session without isolation, found by a tag in the environment that they
 * inherited. On Linux only, and what clears its environment is not found.
 */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { setTimeout as delay } from "node:timers/promises"

const name = "AGB_SANDBOX"

/** A variable that no other process of this machine has. */
export const strayTag: Effect.Effect<Readonly<Record<string, string>>> = Effect.sync(() => ({
  [name]: randomBytes(16).toString("hex")
}))

const environmentOf = (pid: string): string => {
  try {
    return Fs.readFileSync(`/proc/${pid}/environ`, "latin1")
  } catch {
    return ""
  }
}

const killTagged = (entry: string): number => {
  const found = Fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(entry))
  for (const pid of found) {
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended by itself, or belongs to somebody else.
    }
  }
  return found.length
}

const rounds = 50

/**
 * Kills those that have the entry in their environment, until a look around finds none: a process may fork while the
 * others are being killed.
 */
export const killStraysWith = (entry: string): Effect.Effect<void> =>
  process.platform !== "linux"
    ? Effect.void
    : Effect.gen(function*() {
      for (let round = 0; round < rounds && killTagged(entry) > 0; round++) {
        yield* Effect.promise(() => delay(2))
      }
    })

export const killStrays = (tag: Readonly<Record<string, string>>): Effect.Effect<void> =>
  killStraysWith(`${name}=${tag[name]}`)
