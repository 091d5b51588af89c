/**
 * Files that an agent offers by the number of a descriptor. The agent may have been taken over, so it is only believed that it
 * has a descriptor: what that leads to is opened without an effect on the file (`O_PATH`), and must then be a regular file that
 * belongs to the session itself. From then on the agent cannot exchange it any more.
 */
import { type BigIntStats, closeSync, fstatSync, openSync, readlinkSync, realpathSync } from "node:fs"
import { readText } from "../../readText.js"
import { processTree } from "./processTree.js"

/** Opens a file without the right to read or to write it, and without waiting for anybody. */
const O_PATH = 0o10000000

/** An open file, for others to open it again below /proc; whoever gets it closes it. */
export interface OfferedFile {
  readonly fd: number
  readonly device: bigint
  readonly inode: bigint
}

/** Where a session has its own files: on mounts of its own, by the paths that it sees, or in folders of this machine. */
export type OwnPlaces =
  | { readonly _tag: "Mounts"; readonly paths: ReadonlyArray<string> }
  | { readonly _tag: "Folders"; readonly paths: ReadonlyArray<string> }

const idsInside = (pid: number): ReadonlyArray<number> =>
  (/^NSpid:\s*(.*)$/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1] ?? "").split(/\s+/).map(Number)

/** The id here of a process that is started below `launcher` and has the id `inside` in the innermost PID namespace. */
const hostPidOf = (launcher: number, inside: number): number | undefined => {
  const found = processTree(launcher)
    .map((pid) => ({ pid, ids: idsInside(pid) }))
    .filter(({ ids }) => ids.at(-1) === inside)
  return found.sort((a, b) => b.ids.length - a.ids.length)[0]?.pid
}

/** As the kernel joins the two parts of a device number for stat(2). */
const deviceNumber = (major: bigint, minor: bigint): bigint =>
  (major & 0xfffn) << 8n | (major & ~0xfffn) << 32n | minor & 0xffn | (minor & ~0xffn) << 12n

/** The devices of file systems in memory that are mounted at these paths, in the view of a process. */
export const mountedDevices = (mountinfo: string, paths: ReadonlyArray<string>): ReadonlySet<bigint> =>
  new Set(
    mountinfo.split("\n").flatMap((line) => {
      const [before = "", after = ""] = line.split(" - ")
      const [, , device = "", , path = ""] = before.split(" ")
      const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? []
      if (major === undefined || minor === undefined || !paths.includes(path) || !after.startsWith("tmpfs ")) return []
      return [deviceNumber(BigInt(major), BigInt(minor))]
    })
  )

type IsOwn = (fd: number, stat: BigIntStats) => boolean

const isOwnOf = (pid: number, { _tag, paths }: OwnPlaces): IsOwn => {
  if (_tag === "Mounts") {
    const devices = mountedDevices(readText(`/proc/${pid}/mountinfo`) ?? "", paths)
    return (_fd, { dev }) => devices.has(dev)
  }
  const folders = paths.map((path) => `${realpathSync(path)}/`)
  return (fd) => {
    const place = readlinkSync(`/proc/self/fd/${fd}`)
    return folders.some((folder) => place.startsWith(folder))
  }
}

const opened = (path: string, isOwn: IsOwn): OfferedFile | undefined => {
  const fd = openSync(path, O_PATH)
  try {
    const stat = fstatSync(fd, { bigint: true })
    if (stat.isFile() && isOwn(fd, stat)) return { fd, device: stat.dev, inode: stat.ino }
  } catch {
    // It is as if it were another's.
  }
  closeSync(fd)
  return undefined
}

/**
 * Opens what an agent offers; undefined for what is not the session's own, and where this process may not look into the agent.
 * `inside` is what the agent said of itself before anything else ran in the session.
 */
export const makeOffers = (
  launcher: number,
  inside: number | undefined,
  places: OwnPlaces
): (fd: number) => OfferedFile | undefined => {
  let agent: { readonly pid: number; readonly isOwn: IsOwn } | undefined
  const find = () => {
    const pid = inside === undefined ? undefined : hostPidOf(launcher, inside)
    return pid === undefined ? undefined : { pid, isOwn: isOwnOf(pid, places) }
  }
  return (fd) => {
    try {
      agent ??= find()
      return agent === undefined ? undefined : opened(`/proc/${agent.pid}/fd/${fd}`, agent.isOwn)
    } catch {
      return undefined
    }
  }
}
