/** The owner process of a directory or control group, recorded so that a later process can tell whether it still runs. */
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as Os from "node:os"
import { processStat } from "../../node/processStat.js"
import { readText } from "../../readText.js"

/** Pids are reused, and differ between PID namespaces, so the record identifies the process beyond its pid. JSON text. */
const OwnerText = Schema.parseJson(Schema.Struct({
  host: Schema.String,
  pidNamespace: Schema.NullOr(Schema.String),
  pid: Schema.Int,
  startTime: Schema.NullOr(Schema.String),
  bootId: Schema.NullOr(Schema.String)
}))

export type Owner = typeof OwnerText.Type

export const encodeOwner = Schema.encodeSync(OwnerText)
export const decodeOwner = Schema.decodeUnknownEither(OwnerText)

export const startTime = (pid: number): string | null => processStat(pid)?.startTime ?? null

const pidNamespace = (): string | null => {
  try {
    return Fs.readlinkSync("/proc/self/ns/pid")
  } catch {
    return null
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** This process. */
export const self = (): Owner => ({
  host: Os.hostname(),
  pidNamespace: pidNamespace(),
  pid: process.pid,
  startTime: startTime(process.pid),
  bootId: readText("/proc/sys/kernel/random/boot_id")?.trim() ?? null
})

/** Whether the owner is known to be gone. An owner on another machine or in another container counts as alive. */
export const isGone = (owner: Owner): boolean => {
  const here = self()
  if (owner.host !== here.host) return false
  if (owner.bootId !== here.bootId) return true
  if (owner.pidNamespace !== here.pidNamespace) return false
  return !isAlive(owner.pid) || processStat(owner.pid)?.isZombie === true || owner.startTime !== startTime(owner.pid)
}
