/** The identity of this process on its machine, and the user ids that it may give to sandboxes. */
import * as Effect from "effect/Effect"
import { randomInt } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"

export interface HostIdentity {
  /**
   * Whether this process may start a program under another user id: it is root over a range of ids, not just uid 0 of a
   * user namespace that maps a single one.
   */
  readonly drops: boolean
  /** A random user id for a sandbox. */
  readonly sandboxUid: Effect.Effect<number>
}

/** Above the ranges that systemd, useradd and common container tools allocate. */
const highRange = { first: 1_900_000_000, count: 100_000_000 }

/** Reserved by Debian policy and unused, for a root whose ids end at 65535. */
const lowRange = { first: 30_000, count: 29_000 }

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
  const range = ids > highRange.first + highRange.count ? highRange : lowRange
  return {
    drops: ids > lowRange.first + lowRange.count,
    sandboxUid: Effect.sync(() => range.first + randomInt(range.count))
  }
})

/**
 * Whether a user who owns nothing and belongs to no group can reach `path`, and list it as a directory, read it as a file,
 * or run it as a program.
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

/** Before Linux 5.14 RLIMIT_NPROC counts all processes of the user, since then those of one user namespace. */
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

/** Number of processes and threads of this user on the machine. */
export const processesOfUser = (): number =>
  Fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).reduce((sum, pid) => sum + threadsOf(pid), 0)

/** Processes outside the sandbox that its process limit also counts, where it runs under the user id of its host. */
export const countedHostProcesses = (): number => countsProcessesPerUser(Os.release()) ? processesOfUser() : 0
