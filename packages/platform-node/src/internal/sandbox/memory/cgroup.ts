/** Memory limits by control groups (cgroup v1 or v2), created below or beside the group of this process. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { readText } from "../../readText.js"
import { SandboxStartError } from "../channel/protocol.js"
import { isGone, type Owner, self } from "../disk/owner.js"
import { processTree } from "../process/processTree.js"
import type { MemoryController, MemoryLimit } from "./memoryLimit.js"

/** A cgroup directory in which groups can be created. */
export interface CgroupParent {
  readonly version: 1 | 2
  readonly directory: string
}

interface ControlFiles {
  /** Written in this order. A kernel may lack any but the first. */
  readonly limits: (bytes: number) => ReadonlyArray<readonly [file: string, value: string]>
  readonly events: string
}

const controlFiles: Readonly<Record<CgroupParent["version"], ControlFiles>> = {
  1: {
    // Version 1 counts what sockets of the internet hold apart from all else, and without a limit of its own not at all.
    limits: (bytes) => [
      ["memory.limit_in_bytes", `${bytes}`],
      ["memory.memsw.limit_in_bytes", `${bytes}`],
      ["memory.kmem.tcp.limit_in_bytes", `${Math.floor(bytes / 4)}`]
    ],
    events: "memory.oom_control"
  },
  2: {
    limits: (bytes) => [["memory.max", `${bytes}`], ["memory.swap.max", "0"], ["cpu.weight", "50"]],
    events: "memory.events"
  }
}

const unescaped = (path: string) => path.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)))

/** The directory of a group below a mount that shows only the part of the hierarchy below `root`. */
const directoryOf = (mountPoint: string, root: string, group: string): string =>
  Path.join(
    mountPoint,
    group === root || group.startsWith(root === "/" ? "/" : `${root}/`) ? group.slice(root.length) : ""
  )

/** Candidates from the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`, best first. */
export const cgroupParents = (groups: string, mounts: string): ReadonlyArray<CgroupParent> => {
  const members = groups.trim().split("\n").map((line) => line.split(":"))
  const groupOf = (isWanted: (controllers: string) => boolean) =>
    members.find(([, controllers = ""]) => isWanted(controllers))?.slice(2).join(":")
  const unified = groupOf((controllers) => controllers === "")
  const memory = groupOf((controllers) => controllers.split(",").includes("memory"))
  return mounts.trim().split("\n").flatMap((line): ReadonlyArray<CgroupParent> => {
    const [before = "", after = ""] = line.split(" - ")
    const [, , , root = "/", mountPoint = ""] = before.split(" ")
    const [type, , options = ""] = after.split(" ")
    const at = (group: string) => directoryOf(unescaped(mountPoint), unescaped(root), group)
    if (type === "cgroup" && options.split(",").includes("memory") && memory !== undefined) {
      return [{ version: 1, directory: at(memory) }]
    }
    if (type !== "cgroup2" || unified === undefined) return []
    // A v2 group that contains processes cannot have children with limits ("no internal processes"); its parent can.
    return [at(unified), Path.dirname(at(unified))]
      .filter((directory) => directory.startsWith(unescaped(mountPoint)))
      .map((directory) => ({ version: 2, directory }))
  })
}

const prefix = "agb-"

const nameOf = (owner: Owner): string =>
  [`${prefix}${/\d+/.exec(owner.pidNamespace ?? "")?.[0] ?? 0}`, owner.pid, owner.startTime ?? 0].join("-")

/** The owner encoded in the name of a group; host and boot are this machine's, since groups do not outlive the kernel. */
const ownerOf = (name: string): Owner | undefined => {
  const found = /^agb-(\d+)-(\d+)-(\d+)-[0-9a-f]+$/.exec(name)
  if (found === null) return undefined
  return { ...self(), pidNamespace: `pid:[${found[1]}]`, pid: Number(found[2]), startTime: found[3] ?? null }
}

const makeGroup = ({ directory, version }: CgroupParent, bytes: number, processes?: number): string => {
  const group = Path.join(directory, `${nameOf(self())}-${randomBytes(6).toString("hex")}`)
  Fs.mkdirSync(group)
  try {
    const ofProcesses = processes === undefined ? [] : [["pids.max", `${processes}`] as const]
    const limits = [...controlFiles[version].limits(bytes), ...ofProcesses]
    limits.forEach(([file, value], index) => {
      const path = Path.join(group, file)
      if (index === 0 || Fs.existsSync(path)) Fs.writeFileSync(path, value)
    })
    return group
  } catch (error) {
    Fs.rmdirSync(group)
    throw error
  }
}

/** Asynchronous: moving a process makes the kernel wait for all processors. A process that has exited is ignored. */
const join = (group: string, pid: number): Promise<void> =>
  Fs.promises.writeFile(Path.join(group, "cgroup.procs"), `${pid}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ESRCH") throw error
  })

const isInside = (group: string, pid: number): boolean =>
  (readText(`/proc/${pid}/cgroup`) ?? "").includes(Path.basename(group))

const oomKillsIn = ({ version }: CgroupParent, group: string): number =>
  Number(/^oom_kill (\d+)$/m.exec(readText(Path.join(group, controlFiles[version].events)) ?? "")?.[1] ?? 0)

/** Without a PID namespace a process may have outlived its host, but cannot have left its group. */
const killAll = (group: string): void => {
  for (const pid of (readText(Path.join(group, "cgroup.procs")) ?? "").split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has exited.
    }
  }
}

const maxRemovalDelayMs = 2000

/** A group can be removed only after the kernel has released its last process. */
const remove = async (group: string): Promise<void> => {
  for (let waited = 1; waited < maxRemovalDelayMs; waited *= 2) {
    try {
      return Fs.rmdirSync(group)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return
    }
    await delay(waited)
  }
}

const trialBytes = 64 * 1024 * 1024

/** Tries it: creates a group with a limit and moves a process into it. */
const works = async (parent: CgroupParent): Promise<boolean> => {
  let group: string
  try {
    group = makeGroup(parent, trialBytes)
  } catch {
    return false
  }
  const child = spawn("/bin/sh", ["-c", "read line"], { stdio: ["pipe", "ignore", "ignore"], env: {} })
  const closed = new Promise((resolve) => child.once("close", resolve).once("error", resolve))
  try {
    await join(group, child.pid ?? 0)
    return isInside(group, child.pid ?? 0)
  } catch {
    return false
  } finally {
    child.kill("SIGKILL")
    await closed
    await remove(group)
  }
}

/** The first candidate that works for this process. */
export const findCgroupParent: Effect.Effect<CgroupParent | undefined> = Effect.promise(async () => {
  const candidates = cgroupParents(readText("/proc/self/cgroup") ?? "", readText("/proc/self/mountinfo") ?? "")
  for (const parent of candidates) if (await works(parent)) return parent
  return undefined
})

const notLimited = (error: unknown) =>
  new SandboxStartError({ reason: `its memory could not be limited: ${String(error)}` })

const limitBy = (parent: CgroupParent, group: string): MemoryLimit => {
  let pid = 0
  let joined: Promise<void> = Promise.resolve()
  /** Moves descendants that were started before their parent had joined. */
  const moveLatecomers = async () => {
    for (const late of processTree(pid).filter((one) => !isInside(group, one))) await join(group, late)
  }
  return {
    attach: (first) => {
      pid = first
      joined = join(group, first).then(moveLatecomers)
      joined.catch(() => {})
    },
    enforced: Effect.tryPromise({ try: () => joined.then(moveLatecomers), catch: notLimited }),
    oomKills: () => oomKillsIn(parent, group)
  }
}

export const makeCgroupController = (parent: CgroupParent): MemoryController => {
  const removals = new Set<Promise<void>>()
  const removeLater = (group: string) => {
    const removal = remove(group).finally(() => removals.delete(removal))
    removals.add(removal)
  }
  const sweep = () => {
    for (const name of Fs.readdirSync(parent.directory)) {
      const owner = ownerOf(name)
      if (owner === undefined || !isGone(owner)) continue
      const group = Path.join(parent.directory, name)
      killAll(group)
      removeLater(group)
    }
  }
  return {
    description: `a control group (version ${parent.version})`,
    countsKernelMemory: true,
    limitsProcesses: (readText(Path.join(parent.directory, "cgroup.subtree_control")) ?? "").split(/\s+/).includes(
      "pids"
    ),
    limit: (bytes, _mounts, processes) =>
      Effect.acquireRelease(
        Effect.try({ try: () => makeGroup(parent, bytes, processes), catch: notLimited }),
        (group) => Effect.sync(() => removeLater(group))
      ).pipe(Effect.map((group) => limitBy(parent, group))),
    drained: Effect.promise(() => Promise.all(removals)),
    sweep: Effect.ignore(Effect.try(sweep))
  }
}
