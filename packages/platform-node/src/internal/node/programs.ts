/**
 * Programs as Linux knows them: the place, which is a boot of a kernel and the namespaces of processes and of time in it, the
 * pid, and the start time, since pids are reused. Whether one has ended can be seen from its own place only: other containers
 * have other processes under the same pid. Elsewhere than on Linux no program has an identity.
 */
import type { ProgramStatus } from "@effect-agb/core/Program"
import { Program } from "@effect-agb/core/Program"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { processStat } from "./processStat.js"

/** The boot id is random, and of a namespace only the number is known: neither leaves this machine as it is. */
const readPlace = (): string | undefined => {
  try {
    // A /proc of other namespaces would show other processes.
    if (Fs.readlinkSync("/proc/self") !== String(process.pid)) return undefined
    const parts = [
      Fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(),
      Fs.readlinkSync("/proc/self/ns/pid"),
      Fs.existsSync("/proc/self/ns/time") ? Fs.readlinkSync("/proc/self/ns/time") : ""
    ]
    return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16)
  } catch {
    return undefined
  }
}

const pattern = /^([0-9a-f]{16})-([0-9a-z]{1,8})-([0-9a-z]{1,13})$/

/** Signal 0 asks, also for processes that /proc hides. */
const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}

/** What one process knows of programs; read when it is first asked for. */
export class Programs {
  #place: { readonly hash: string | undefined } | undefined
  #id: { readonly text: string | undefined } | undefined

  /** The id of this process. */
  get id(): string | undefined {
    return (this.#id ??= { text: this.#idOf(process.pid) }).text
  }

  status(id: string): ProgramStatus {
    const [, hash, pidText = "", startText = ""] = pattern.exec(id) ?? []
    if (hash === undefined || hash !== this.#hash) return "unknown"
    const pid = parseInt(pidText, 36)
    if (pid <= 0 || !exists(pid)) return "ended"
    const stat = processStat(pid)
    if (stat === undefined) return exists(pid) ? "unknown" : "ended"
    return stat.isZombie || stat.startTime !== String(parseInt(startText, 36)) ? "ended" : "running"
  }

  get #hash(): string | undefined {
    return (this.#place ??= { hash: readPlace() }).hash
  }

  #idOf(pid: number): string | undefined {
    const startTime = Number(processStat(pid)?.startTime)
    return this.#hash === undefined || !Number.isSafeInteger(startTime) || startTime <= 0
      ? undefined
      : `${this.#hash}-${pid.toString(36)}-${startTime.toString(36)}`
  }
}

export const layer: Layer.Layer<Program> = Layer.sync(Program, () => {
  const programs = new Programs()
  return {
    id: Effect.sync(() => Option.fromNullable(programs.id)),
    status: (id) => Effect.sync(() => programs.status(id))
  }
})
