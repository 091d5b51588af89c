/**
 * Kills processes that escaped the process group of a session without a PID namespace. They are found by a tag in their
 * inherited environment, on Linux only; a process that clears its environment is not found.
 */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { setTimeout as delay } from "node:timers/promises"

const name = "AGB_SANDBOX"

/** An environment variable with a random value. */
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
      // It has exited, or belongs to another user.
    }
  }
  return found.length
}

const maxRounds = 50

/** Kills processes with this entry in their environment until none is found: some may fork while others are killed. */
export const killStraysWith = (entry: string): Effect.Effect<void> =>
  process.platform !== "linux"
    ? Effect.void
    : Effect.gen(function*() {
      for (let round = 0; round < maxRounds && killTagged(entry) > 0; round++) {
        yield* Effect.promise(() => delay(2))
      }
    })

export const killStrays = (tag: Readonly<Record<string, string>>): Effect.Effect<void> =>
  killStraysWith(`${name}=${tag[name]}`)
