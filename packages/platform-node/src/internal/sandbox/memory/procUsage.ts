/** How much memory the processes of a session use, read from /proc: a quick look that may be too high, and an exact one. */
import * as Fs from "node:fs"
import { setImmediate as nextTurn } from "node:timers/promises"
import { canInspectSandboxes } from "../process/procAccess.js"

const textOf = (path: string): string => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const field = (text: string, name: string): number => {
  const at = text.indexOf(`\n${name}:`)
  return at === -1 ? 0 : 1024 * parseInt(text.slice(at + name.length + 2, at + name.length + 20), 10)
}

/** Of this machine, not of a session. */
export const machineMemory = (): { readonly available: number; readonly shared: number } => {
  const text = textOf("/proc/meminfo")
  return { available: field(text, "MemAvailable"), shared: field(text, "Shmem") }
}

/** An empty file takes a kibibyte of the kernel's memory, its name included. */
const perFile = 1024

/** The file systems in memory that a session has: their mount points, as the process `pid` of it sees them. */
export interface SessionFiles {
  readonly pid: number | undefined
  readonly folders: ReadonlyArray<string>
}

/** What the files of a session take. */
const bytesOf = ({ folders, pid }: SessionFiles): number =>
  (pid === undefined ? [] : folders).reduce((sum, folder) => {
    try {
      const { bfree, blocks, bsize, ffree, files } = Fs.statfsSync(`/proc/${pid}/root${folder}`)
      return sum + (blocks - bfree) * bsize + (files - ffree) * perFile
    } catch {
      return sum
    }
  }, 0)

/** Many processes take long to look at, and others wait for this thread. */
const makeTurns = () => {
  const longest = 5
  let began = performance.now()
  return async () => {
    if (performance.now() - began < longest) return
    await nextTurn()
    began = performance.now()
  }
}

interface Own {
  /** Of the process alone, its page tables included. */
  readonly alone: number
  readonly shared: number
}

const ownOf = (pid: number): Own => {
  const text = textOf(`/proc/${pid}/status`)
  const alone = field(text, "RssAnon") + field(text, "VmSwap") + field(text, "VmPTE")
  return { alone, shared: field(text, "RssShmem") }
}

/** Counts shared memory once for each process that uses it. */
export const quickUse = async (files: SessionFiles, pids: ReadonlyArray<number>): Promise<number> => {
  const turn = makeTurns()
  let sum = bytesOf(files)
  for (const pid of pids) {
    const { alone, shared } = ownOf(pid)
    sum += alone + shared
    await turn()
  }
  return sum
}

/** Shared memory that is no file of the session, by device and inode. */
type Objects = Map<string, { mapped: number; whole: number }>

const nameless = /^(?:\/memfd:|\/dev\/zero \(deleted\)|\/SYSV)/
const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+) (\d+) +(.*)$/

const objectIn = (objects: Objects, key: string) => {
  const found = objects.get(key) ?? { mapped: 0, whole: 0 }
  objects.set(key, found)
  return found
}

const canSee = canInspectSandboxes()

/** Adds what a process has mapped as if it shared it with no other: for where nobody may look. */
const addUnseen = (objects: Objects, pid: number, shared: number): number => {
  objectIn(objects, `of ${pid}`).mapped = shared
  return shared
}

/** Adds the share of a process in what it has mapped; the result is that share. */
const addMapped = (objects: Objects, pid: number): number => {
  let sum = 0
  let object: { mapped: number } | undefined
  for (const line of textOf(`/proc/${pid}/smaps`).split("\n")) {
    const found = mapping.exec(line)
    if (found !== null) object = nameless.test(found[3] ?? "") ? objectIn(objects, `${found[2]}`) : undefined
    else if (object !== undefined && line.startsWith("Pss:")) {
      const bytes = 1024 * parseInt(line.slice(4), 10)
      object.mapped += bytes
      sum += bytes
    }
  }
  return sum
}

const descriptorsOf = (pid: number): ReadonlyArray<string> => {
  try {
    return Fs.readdirSync(`/proc/${pid}/fd`)
  } catch {
    return []
  }
}

/** The size of a memory file that a descriptor holds, for the first holder that is met. */
const addHeld = (objects: Objects, path: string): number => {
  try {
    if (!Fs.readlinkSync(path).startsWith("/memfd:")) return 0
    const { blocks, ino } = Fs.statSync(path)
    const object = objectIn(objects, `${ino}`)
    const isNew = object.whole === 0
    object.whole = 512 * blocks
    return isNew ? object.whole : 0
  } catch {
    return 0
  }
}

export interface ExactUse {
  readonly bytes: number
  /** How many descriptors were looked at, which has an end. */
  readonly descriptors: number
  /** What the end of each process would bring. */
  readonly each: ReadonlyMap<number, number>
}

/** More open files than a session may have where this process must look at each. */
export const mostDescriptors = 65_536

const worthALook = 1024 * 1024

/** Counts shared memory once, also where no process has mapped it but only holds a descriptor. */
export const exactUse = async (files: SessionFiles, pids: ReadonlyArray<number>): Promise<ExactUse> => {
  const turn = makeTurns()
  const objects: Objects = new Map()
  const each = new Map<number, number>()
  let descriptors = 0
  let alone = 0
  for (const pid of pids) {
    const own = ownOf(pid)
    const add = canSee ? addMapped : addUnseen
    const mapped = own.shared > worthALook ? add(objects, pid, own.shared) : 0
    let held = 0
    for (const fd of descriptorsOf(pid)) {
      if (descriptors++ > mostDescriptors) break
      held += addHeld(objects, `/proc/${pid}/fd/${fd}`)
      await turn()
    }
    alone += own.alone
    each.set(pid, own.alone + Math.max(mapped, held))
    await turn()
  }
  const shared = [...objects.values()].reduce((sum, { mapped, whole }) => sum + Math.max(mapped, whole), 0)
  return { bytes: alone + shared + bytesOf(files), descriptors, each }
}
