/**
 * Resolves the paths of clients, like openat2(2) with RESOLVE_BENEATH. The parent directory of an entry is opened, its real
 * path is checked, and the entry is accessed through that descriptor without following a link. Checking the path alone would
 * be a race: a directory can be replaced by a symbolic link after the check.
 *
 * In a root directory of its own the agent is confined by the kernel. Without one, `confineTo` keeps file operations within
 * the home and the temporary directory of the session, and `/tmp` stands for the latter.
 */
import { closeSync, constants, openSync, readlinkSync, realpathSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { codeOf, Failure } from "../wire/failure.js"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants

/** Opens a directory without read permission. */
const O_PATH = 0o10000000

const maxLinks = 40

interface Resolved {
  /** Leads to the entry until `close` is called; must be opened without following links. */
  readonly path: string
  /** The real path of the directory that holds the entry. */
  readonly directory: string
  readonly close: () => void
}

let confinement: { readonly roots: ReadonlyArray<string>; readonly tmp: string } | undefined

/** From now on nothing outside these two directories is accessible. */
export const confineTo = (home: string, tmp: string) => {
  confinement = { roots: [realpathSync(home), realpathSync(tmp)], tmp: realpathSync(tmp) }
}

export const isConfined = () => confinement !== undefined

/**
 * Resolves a path whose last component need not exist. With `follow` a symbolic link at the end is followed, also one whose
 * target does not exist.
 */
export const resolveBeneath = (file: string, follow: boolean = true): Resolved => {
  let path = withOwnTmp(file)
  for (let links = 0; links <= maxLinks; links++) {
    const resolved = openParent(path, file)
    const target = follow ? linkTarget(resolved) : undefined
    if (target === undefined) return resolved
    resolved.close()
    path = isAbsolute(target) ? target : `${resolved.directory}/${target}`
  }
  throw new Failure("EINVAL", `Too many levels of symbolic links: ${file}`)
}

/** Resolves a path for the duration of `use`. */
export const withResolved = <A>(file: string, follow: boolean, use: (path: string) => A): A => {
  const resolved = resolveBeneath(file, follow)
  try {
    return use(resolved.path)
  } finally {
    resolved.close()
  }
}

/** Opens a directory in order to reach its entries through the descriptor. */
export const openDirectory = (file: string) =>
  withResolved(file, true, (path) => openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))

/** Opens a directory, not the target of a link, whether or not it is readable. */
export const openPathOnly = (directory: string) => openSync(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW)

export const fdPath = (fd: number) => `/proc/self/fd/${fd}`

/** Whether an open file may be accessed. */
export const isBeneath = (fd: number) => confinement === undefined || isAllowed(readlinkSync(fdPath(fd)))

const isAllowed = (path: string) =>
  confinement === undefined || confinement.roots.some((root) => path === root || path.startsWith(`${root}/`))

const withOwnTmp = (file: string) => {
  if (confinement === undefined || isAllowed(resolve(file))) return file
  const rest = /^\/+(?:\.\/+)*tmp(?=\/|$)(.*)$/s.exec(file)?.[1]
  return rest === undefined ? file : confinement.tmp + rest
}

/** `file` is the path as the client wrote it. */
const openParent = (path: string, file: string): Resolved => {
  const [parent, name] = split(path)
  const fd = openParentDirectory(parent, file)
  try {
    const directory = readlinkSync(fdPath(fd))
    if (!isAllowed(join(directory, name))) {
      throw new Failure("EACCES", `Permission denied, outside the session: ${file}`)
    }
    return { path: `${fdPath(fd)}/${name}`, directory, close: once(() => closeSync(fd)) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** An error about a directory on the way names that directory: the file itself is not what is missing. */
const openParentDirectory = (parent: string, file: string) => {
  try {
    return openSync(parent, O_PATH | O_DIRECTORY)
  } catch (error) {
    const code = codeOf(error)
    const sentence = code === "ENOENT" ? "No such directory (not found)" : "Not a directory"
    if (code !== "ENOENT" && code !== "ENOTDIR") throw error
    throw new Failure(code, `${sentence}: ${firstObstacle(resolve(parent))} (needed for ${file})`)
  }
}

/** The first directory of a path that is missing or is none. */
const firstObstacle = (directory: string): string => {
  const above = dirname(directory)
  if (above === directory) return directory
  try {
    return statSync(above).isDirectory() ? directory : firstObstacle(above)
  } catch {
    return firstObstacle(above)
  }
}

const once = (close: () => void) => {
  let closed = false
  return () => {
    if (!closed) close()
    closed = true
  }
}

/** Parent and name of an entry; a path without a last name (`/`, `.`, `..`) is `.` in itself. */
const split = (path: string): readonly [parent: string, name: string] => {
  let end = path.length
  while (end > 0 && path[end - 1] === "/") end--
  const slash = path.lastIndexOf("/", end - 1)
  const name = path.slice(slash + 1, end)
  return name === "" || name === "." || name === ".." ? [path, "."] : [path.slice(0, slash) || "/", name]
}

const linkTarget = ({ close, path }: Resolved) => {
  try {
    return readlinkSync(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === "EINVAL" || code === "ENOENT") return undefined
    close()
    throw error
  }
}
