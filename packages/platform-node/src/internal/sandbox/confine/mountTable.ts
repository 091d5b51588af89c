/** The mounts around and below a path, from /proc/self/mountinfo. */
import * as Fs from "node:fs"

interface Mount {
  readonly path: string
  readonly flags: ReadonlyArray<string>
}

/** Flags of a mount from outside that the kernel does not let a user namespace clear. */
const lockedFlags = new Set(["noexec", "noatime", "nodiratime", "relatime"])

const unescaped = (path: string) => path.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)))

const parsed = (line: string): Mount => {
  const fields = line.split(" ")
  const flags = (fields[5] ?? "").split(",").filter((flag) => lockedFlags.has(flag))
  return { path: unescaped(fields[4] ?? "/"), flags: ["nosuid", "nodev", ...flags] }
}

const isBelow = (path: string, folder: string) => path.startsWith(folder === "/" ? "/" : `${folder}/`)

export interface MountTable {
  /** The flags that a bind mount of `path` must repeat. */
  readonly enclosingFlags: (path: string) => Mount["flags"]
  /** The mounts below `path`, each with the rest of its path. */
  readonly below: (path: string) => ReadonlyArray<{ readonly rest: string; readonly flags: Mount["flags"] }>
}

/** A snapshot. */
export const readMountTable = (): MountTable => {
  const mounts = Fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n").map(parsed)
  const none: Mount = { path: "", flags: ["nosuid", "nodev"] }
  return {
    enclosingFlags: (path) => {
      const real = Fs.realpathSync(path)
      const around = mounts.filter((mount) => mount.path === real || isBelow(real, mount.path))
      return around.reduce((best, mount) => mount.path.length >= best.path.length ? mount : best, none).flags
    },
    below: (path) => {
      const real = Fs.realpathSync(path)
      return mounts.filter((mount) => isBelow(mount.path, real))
        .map((mount) => ({ rest: mount.path.slice(real.length), flags: mount.flags }))
    }
  }
}
