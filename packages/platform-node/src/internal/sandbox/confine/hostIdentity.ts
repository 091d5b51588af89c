/** Who this process is on its machine, and which user ids it may give to a sandbox. */
import * as Effect from "effect/Effect"
import { randomInt } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"

/**
 * `drops` is true where this process may start a program under a user id of its choice: it is root over a range of ids,
 * not merely uid 0 of a user namespace that has a single one.
 */
export interface HostIdentity {
  readonly drops: boolean
  readonly sandboxUid: Effect.Effect<number>
}

/** Above what systemd, useradd and the usual container ranges hand out. */
const wide = { first: 1_900_000_000, count: 100_000_000 }

/** Reserved by the Debian policy and used by nobody, for a root whose ids end at 65535. */
const narrow = { first: 30_000, count: 29_000 }

const mappedIds = (): number => {
  try {
    const lines = Fs.readFileSync("/proc/self/uid_map", "utf8").trim().split("\n")
    return Math.max(...lines.map((line) => {
      const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number)
      return inside + count
    }))
  } catch {
    return 0
  }
}

export const hostIdentity: Effect.Effect<HostIdentity> = Effect.sync(() => {
  const ids = process.getuid?.() === 0 ? mappedIds() : 0
  const range = ids > wide.first + wide.count ? wide : narrow
  return {
    drops: ids > narrow.first + narrow.count,
    sandboxUid: Effect.sync(() => range.first + randomInt(range.count))
  }
})

/**
 * Whether a user who owns nothing and belongs to no group can come to `path` and, for a directory, list it; for a file,
 * read it and, where it is a program, run it.
 */
export const reachableByAnyone = (path: string): boolean => {
  try {
    const real = Fs.realpathSync(path)
    const folders = real.split("/").slice(1, -1).map((_, index, all) => `/${all.slice(0, index + 1).join("/")}`)
    const last = Fs.statSync(real)
    const needed = last.isDirectory() || (last.mode & 0o111) !== 0 ? 0o005 : 0o004
    return (last.mode & needed) === needed && folders.every((folder) => (Fs.statSync(folder).mode & 0o001) !== 0)
  } catch {
    return false
  }
}

/** Since Linux 5.14 the limit on processes counts those of one user namespace, before that all of the user's. */
export const countsProcessesPerUser = (release: string): boolean => {
  const [major = 0, minor = 0] = release.split(".").map(Number)
  return major < 5 || (major === 5 && minor < 14)
}

const threadsOf = (pid: string): number => {
  try {
    return Fs.statSync(`/proc/${pid}`).uid === process.getuid?.() ? Fs.readdirSync(`/proc/${pid}/task`).length : 0
  } catch {
    return 0
  }
}

/** The processes and threads of this user, everywhere. */
export const processesOfUser = (): number =>
  Fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).reduce((sum, pid) => sum + threadsOf(pid), 0)

/** What a limit on processes must leave room for besides the sandbox, where it runs under the user id of its host. */
export const countedHostProcesses = (): number => countsProcessesPerUser(Os.release()) ? processesOfUser() : 0
