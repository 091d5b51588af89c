/** Memory usage of a session, read from /proc: a fast estimate that is never too low for what it sees, and a measurement. */
import * as Fs from "node:fs"
import { setImmediate as nextTurn } from "node:timers/promises"
import { readText } from "../../readText.js"
import { canInspectSandboxes } from "../process/procAccess.js"

const field = (text: string, name: string): number => {
  const at = text.indexOf(`\n${name}:`)
  return at === -1 ? 0 : 1024 * parseInt(text.slice(at + name.length + 2, at + name.length + 20), 10)
}

/** Memory of the whole machine. */
export const machineMemory = (): { readonly available: number; readonly shared: number } => {
  const text = readText("/proc/meminfo") ?? ""
  return { available: field(text, "MemAvailable"), shared: field(text, "Shmem") }
}

/** Processes and threads of the whole machine. */
export const machineThreads = (): number => Number(/\/(\d+)/.exec(readText("/proc/loadavg") ?? "")?.[1] ?? 0)

/** Kernel memory of an empty file, its name included. */
const inodeBytes = 1024

/** The file systems in memory of a session: mount points as its process `pid` sees them. */
export interface SessionFiles {
  readonly pid: number | undefined
  readonly tmpfsMounts: ReadonlyArray<string>
}

const fileBytes = ({ pid, tmpfsMounts }: SessionFiles): number =>
  (pid === undefined ? [] : tmpfsMounts).reduce((sum, mount) => {
    try {
      const { bfree, blocks, bsize, ffree, files } = Fs.statfsSync(`/proc/${pid}/root${mount}`)
      return sum + (blocks - bfree) * bsize + (files - ffree) * inodeBytes
    } catch {
      return sum
    }
  }, 0)

/** Yields to the event loop between slices: many processes take long to read, and other work waits for this thread. */
const makeYield = () => {
  const sliceMs = 5
  let began = performance.now()
  return async () => {
    if (performance.now() - began < sliceMs) return
    await nextTurn()
    began = performance.now()
  }
}

interface ProcessUsage {
  /** Anonymous memory, swap and page tables. */
  readonly private: number
  readonly shared: number
  readonly threads: number
}

const processUsage = (pid: number): ProcessUsage => {
  const text = readText(`/proc/${pid}/status`) ?? ""
  return {
    private: field(text, "RssAnon") + field(text, "VmSwap") + field(text, "VmPTE"),
    shared: field(text, "RssShmem"),
    threads: Number(/^Threads:\s*(\d+)/m.exec(text)?.[1] ?? 0)
  }
}

export interface Estimate {
  readonly bytes: number
  readonly threads: number
}

/** Counts shared memory once per process that maps it, so it may be too high; misses what no process has mapped. */
export const estimateUsage = async (files: SessionFiles, pids: ReadonlyArray<number>): Promise<Estimate> => {
  const yieldNow = makeYield()
  let sum = fileBytes(files)
  let threads = 0
  for (const pid of pids) {
    const usage = processUsage(pid)
    sum += usage.private + usage.shared
    threads += usage.threads
    await yieldNow()
  }
  return { bytes: sum, threads }
}

/** Shared memory objects that are no files of the session, by inode: bytes that processes map, and the whole size. */
type SharedObjects = Map<string, { mapped: number; size: number }>

const anonymousObject = /^(?:\/memfd:|\/dev\/zero \(deleted\)|\/SYSV)/
const mappingLine = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+) (\d+) +(.*)$/

const objectIn = (objects: SharedObjects, key: string) => {
  const found = objects.get(key) ?? { mapped: 0, size: 0 }
  objects.set(key, found)
  return found
}

const canInspect = canInspectSandboxes()

/** Without access to its maps, counts the shared memory of a process as if nothing else shared it. */
const addUninspected = (objects: SharedObjects, pid: number, shared: number): number => {
  objectIn(objects, `of ${pid}`).mapped = shared
  return shared
}

/** Adds the proportional share (PSS) of a process in the objects that it maps; returns the sum. */
const addMapped = (objects: SharedObjects, pid: number): number => {
  let sum = 0
  let object: { mapped: number } | undefined
  for (const line of (readText(`/proc/${pid}/smaps`) ?? "").split("\n")) {
    const found = mappingLine.exec(line)
    if (found !== null) object = anonymousObject.test(found[3] ?? "") ? objectIn(objects, `${found[2]}`) : undefined
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

/** Adds the size of a memfd that a descriptor refers to; returns it for the first descriptor that is met. */
const addHeld = (objects: SharedObjects, path: string): number => {
  try {
    if (!Fs.readlinkSync(path).startsWith("/memfd:")) return 0
    const { blocks, ino } = Fs.statSync(path)
    const object = objectIn(objects, `${ino}`)
    const isNew = object.size === 0
    object.size = 512 * blocks
    return isNew ? object.size : 0
  } catch {
    return 0
  }
}

export interface MemoryUsage {
  readonly bytes: number
  /** File descriptors inspected; inspection stops soon after {@link maxDescriptors}. */
  readonly descriptors: number
  /** Bytes that killing each process would free. */
  readonly perProcess: ReadonlyMap<number, number>
}

/** Open files that a session may have under the watchdog, which must inspect each. */
export const maxDescriptors = 65_536

const worthInspecting = 1024 * 1024

/** Counts shared memory once, even where no process has mapped it but one holds a descriptor. */
export const measureUsage = async (files: SessionFiles, pids: ReadonlyArray<number>): Promise<MemoryUsage> => {
  const yieldNow = makeYield()
  const objects: SharedObjects = new Map()
  const perProcess = new Map<number, number>()
  let descriptors = 0
  let privateBytes = 0
  for (const pid of pids) {
    const usage = processUsage(pid)
    const add = canInspect ? addMapped : addUninspected
    const mapped = usage.shared > worthInspecting ? add(objects, pid, usage.shared) : 0
    let held = 0
    for (const fd of descriptorsOf(pid)) {
      if (descriptors++ > maxDescriptors) break
      held += addHeld(objects, `/proc/${pid}/fd/${fd}`)
      await yieldNow()
    }
    privateBytes += usage.private
    perProcess.set(pid, usage.private + Math.max(mapped, held))
    await yieldNow()
  }
  const sharedBytes = [...objects.values()].reduce((sum, { mapped, size }) => sum + Math.max(mapped, size), 0)
  return { bytes: privateBytes + sharedBytes + fileBytes(files), descriptors, perProcess }
}
