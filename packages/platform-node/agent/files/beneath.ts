/**
 * Where the paths of clients lead. The folder that holds an entry is opened, what was opened is checked, and the entry is
 * reached through that descriptor without following a link: a check of the path alone loses against somebody who swaps a
 * folder for a link after it.
 *
 * Inside a root directory of its own an agent is confined by the kernel. Without one, `confine` keeps the file operations
 * within the home and the temporary directory of the session, and there `/tmp` means the latter.
 */
import * as Fs from "node:fs"
import { isAbsolute, join, resolve } from "node:path"
import { codeOf, Failure } from "../wire/failure.js"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = Fs.constants

/** Opens a folder that may be entered, whether or not it may be read. */
const O_PATH = 0o10000000

const mostLinks = 40

interface Place {
  /** Leads to the entry for as long as the place is open; to be opened without following links. */
  readonly path: string
  /** The path of the folder that holds it, without links. */
  readonly folder: string
  readonly close: () => void
}

let confinement: { readonly roots: ReadonlyArray<string>; readonly tmp: string } | undefined

/** From now on nothing outside these two directories is reached. */
export const confine = (home: string, tmp: string) => {
  confinement = { roots: [Fs.realpathSync(home), Fs.realpathSync(tmp)], tmp: Fs.realpathSync(tmp) }
}

export const isConfined = () => confinement !== undefined

/**
 * Opens the place of an entry, which need not exist yet.
 *
 * @param follow whether a link at the end is followed, also one that leads nowhere yet
 */
export const locate = (file: string, follow: boolean = true): Place => {
  let path = ownTmp(file)
  for (let links = 0; links <= mostLinks; links++) {
    const place = open(path, file)
    const target = follow ? linkOf(place) : undefined
    if (target === undefined) return place
    place.close()
    path = isAbsolute(target) ? target : `${place.folder}/${target}`
  }
  throw new Failure("EINVAL", `Too many levels of symbolic links: ${file}`)
}

/** Uses a place and closes it. */
export const at = <A>(file: string, follow: boolean, use: (path: string) => A): A => {
  const place = locate(file, follow)
  try {
    return use(place.path)
  } finally {
    place.close()
  }
}

/** A descriptor of a folder, for its entries to be reached through. */
export const openFolder = (file: string) =>
  at(file, true, (path) => Fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))

/** A descriptor of a folder itself, not of what a link leads to, whether or not it may be read. */
export const openPlace = (folder: string) => Fs.openSync(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW)

export const pathOf = (fd: number) => `/proc/self/fd/${fd}`

/** Whether an open file is one that may be reached. */
export const isWithin = (fd: number) => confinement === undefined || isBelow(Fs.readlinkSync(pathOf(fd)))

const isBelow = (path: string) =>
  confinement === undefined || confinement.roots.some((root) => path === root || path.startsWith(`${root}/`))

const ownTmp = (file: string) => {
  if (confinement === undefined || isBelow(resolve(file))) return file
  const rest = /^\/+(?:\.\/+)*tmp(?=\/|$)(.*)$/s.exec(file)?.[1]
  return rest === undefined ? file : confinement.tmp + rest
}

/**
 * @param file as the client wrote it
 */
const open = (path: string, file: string): Place => {
  const [parent, name] = split(path)
  const fd = Fs.openSync(parent, O_PATH | O_DIRECTORY)
  try {
    const folder = Fs.readlinkSync(pathOf(fd))
    if (!isBelow(join(folder, name))) throw new Failure("EACCES", `Permission denied, outside the session: ${file}`)
    return { path: `${pathOf(fd)}/${name}`, folder, close: once(() => Fs.closeSync(fd)) }
  } catch (error) {
    Fs.closeSync(fd)
    throw error
  }
}

const once = (close: () => void) => {
  let closed = false
  return () => {
    if (!closed) close()
    closed = true
  }
}

/** The folder of an entry and its name; what has no name of its own is `.` in itself. */
const split = (path: string): readonly [parent: string, name: string] => {
  let end = path.length
  while (end > 0 && path[end - 1] === "/") end--
  const slash = path.lastIndexOf("/", end - 1)
  const name = path.slice(slash + 1, end)
  return name === "" || name === "." || name === ".." ? [path, "."] : [path.slice(0, slash) || "/", name]
}

const linkOf = ({ close, path }: Place) => {
  try {
    return Fs.readlinkSync(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === "EINVAL" || code === "ENOENT") return undefined
    close()
    throw error
  }
}
