/** Control groups that bound memory, version 1 or 2, made below or beside the group of this process. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { SandboxStartError } from "../channel/protocol.js"
import { isGone, type Owner, self } from "../disk/owner.js"
import { treeOf } from "../process/processTree.js"
import type { MemoryHold, MemoryKeeper } from "./memoryLimit.js"

/** A directory in which groups can be made. */
export interface CgroupPlace {
  readonly version: 1 | 2
  readonly directory: string
}

interface Files {
  /** In this order; those that a kernel does not have are left out, but for the first. */
  readonly limits: (bytes: number) => ReadonlyArray<readonly [file: string, value: string]>
  readonly events: string
}

const files: Readonly<Record<CgroupPlace["version"], Files>> = {
  1: {
    limits: (bytes) => [["memory.limit_in_bytes", `${bytes}`], ["memory.memsw.limit_in_bytes", `${bytes}`]],
    events: "memory.oom_control"
  },
  2: {
    limits: (bytes) => [["memory.max", `${bytes}`], ["memory.swap.max", "0"], ["cpu.weight", "50"]],
    events: "memory.events"
  }
}

const unescaped = (path: string) => path.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)))

/** The group of a process below a mount of which only `root` is in sight. */
const directoryOf = (mountPoint: string, root: string, group: string): string =>
  Path.join(
    mountPoint,
    group === root || group.startsWith(root === "/" ? "/" : `${root}/`) ? group.slice(root.length) : ""
  )

/** Where the texts of `/proc/self/cgroup` and `/proc/self/mountinfo` say that groups could be made, best first. */
export const placesIn = (groups: string, mounts: string): ReadonlyArray<CgroupPlace> => {
  const members = groups.trim().split("\n").map((line) => line.split(":"))
  const groupOf = (isWanted: (controllers: string) => boolean) =>
    members.find(([, controllers = ""]) => isWanted(controllers))?.slice(2).join(":")
  const unified = groupOf((controllers) => controllers === "")
  const memory = groupOf((controllers) => controllers.split(",").includes("memory"))
  return mounts.trim().split("\n").flatMap((line): ReadonlyArray<CgroupPlace> => {
    const [before = "", after = ""] = line.split(" - ")
    const [, , , root = "/", mountPoint = ""] = before.split(" ")
    const [type, , options = ""] = after.split(" ")
    const at = (group: string) => directoryOf(unescaped(mountPoint), unescaped(root), group)
    if (type === "cgroup" && options.split(",").includes("memory") && memory !== undefined) {
      return [{ version: 1, directory: at(memory) }]
    }
    if (type !== "cgroup2" || unified === undefined) return []
    // A group that has processes of its own cannot have children with limits; its parent can.
    return [at(unified), Path.dirname(at(unified))]
      .filter((directory) => directory.startsWith(unescaped(mountPoint)))
      .map((directory) => ({ version: 2, directory }))
  })
}

const textOf = (path: string): string => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const prefix = "agb-"

const nameOf = (owner: Owner): string =>
  [`${prefix}${/\d+/.exec(owner.pidNamespace ?? "")?.[0] ?? 0}`, owner.pid, owner.startTime ?? 0].join("-")

/** The owner in the name of a group; host and boot are this machine's, since groups live in the kernel. */
const ownerOf = (name: string): Owner | undefined => {
  const found = /^agb-(\d+)-(\d+)-(\d+)-[0-9a-f]+$/.exec(name)
  if (found === null) return undefined
  return { ...self(), pidNamespace: `pid:[${found[1]}]`, pid: Number(found[2]), startTime: found[3] ?? null }
}

const makeGroup = ({ directory, version }: CgroupPlace, bytes: number): string => {
  const group = Path.join(directory, `${nameOf(self())}-${randomBytes(6).toString("hex")}`)
  Fs.mkdirSync(group)
  try {
    files[version].limits(bytes).forEach(([file, value], index) => {
      const path = Path.join(group, file)
      if (index === 0 || Fs.existsSync(path)) Fs.writeFileSync(path, value)
    })
    return group
  } catch (error) {
    Fs.rmdirSync(group)
    throw error
  }
}

/** Asynchronous, since moving a process makes the kernel wait for all processors. One that has ended needs no moving. */
const join = (group: string, pid: number): Promise<void> =>
  Fs.promises.writeFile(Path.join(group, "cgroup.procs"), `${pid}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ESRCH") throw error
  })

const isInside = (group: string, pid: number): boolean => textOf(`/proc/${pid}/cgroup`).includes(Path.basename(group))

const killsIn = ({ version }: CgroupPlace, group: string): number =>
  Number(/^oom_kill (\d+)$/m.exec(textOf(Path.join(group, files[version].events)))?.[1] ?? 0)

/** Without namespaces a process may have outlived its host, but not left its group. */
const killAll = (group: string): void => {
  for (const pid of textOf(Path.join(group, "cgroup.procs")).split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended.
    }
  }
}

const removalLimit = 2000

/** A group can go when the kernel has buried the last of its processes. */
const remove = async (group: string): Promise<void> => {
  for (let waited = 1; waited < removalLimit; waited *= 2) {
    try {
      return Fs.rmdirSync(group)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return
    }
    await delay(waited)
  }
}

const trialBytes = 64 * 1024 * 1024

/** Makes a group with a limit and moves a process there. */
const works = async (place: CgroupPlace): Promise<boolean> => {
  let group: string
  try {
    group = makeGroup(place, trialBytes)
  } catch {
    return false
  }
  const child = spawn("/bin/sh", ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"], env: {} })
  const gone = new Promise((resolve) => child.once("close", resolve).once("error", resolve))
  try {
    await join(group, child.pid ?? 0)
    return isInside(group, child.pid ?? 0)
  } catch {
    return false
  } finally {
    child.kill("SIGKILL")
    await gone
    await remove(group)
  }
}

/** The first place that works for this process. */
export const cgroupPlace: Effect.Effect<CgroupPlace | undefined> = Effect.promise(async () => {
  const places = placesIn(textOf("/proc/self/cgroup"), textOf("/proc/self/mountinfo"))
  for (const place of places) if (await works(place)) return place
  return undefined
})

const refused = (error: unknown) =>
  new SandboxStartError({ reason: `its memory could not be limited: ${String(error)}` })

const holdOf = (place: CgroupPlace, group: string): MemoryHold => {
  let pid = 0
  let joined: Promise<void> = Promise.resolve()
  /** What was started before its parent had joined. */
  const moveLatecomers = async () => {
    for (const late of treeOf(pid).filter((one) => !isInside(group, one))) await join(group, late)
  }
  return {
    attach: (first) => {
      pid = first
      joined = join(group, first).then(moveLatecomers)
      joined.catch(() => {})
    },
    counted: Effect.tryPromise({ try: () => joined.then(moveLatecomers), catch: refused }),
    kills: () => killsIn(place, group)
  }
}

export const makeCgroups = (place: CgroupPlace): MemoryKeeper => {
  const leaving = new Set<Promise<void>>()
  const leave = (group: string) => {
    const removal = remove(group).finally(() => leaving.delete(removal))
    leaving.add(removal)
  }
  const sweep = () => {
    for (const name of Fs.readdirSync(place.directory)) {
      const owner = ownerOf(name)
      if (owner === undefined || !isGone(owner)) continue
      const group = Path.join(place.directory, name)
      killAll(group)
      leave(group)
    }
  }
  return {
    means: `a control group (version ${place.version})`,
    isComplete: true,
    hold: (bytes) =>
      Effect.acquireRelease(
        Effect.try({ try: () => makeGroup(place, bytes), catch: refused }),
        (group) => Effect.sync(() => leave(group))
      ).pipe(Effect.map((group) => holdOf(place, group))),
    cleared: Effect.promise(() => Promise.all(leaving)),
    sweep: Effect.ignore(Effect.try(sweep))
  }
}
