// @ts-check
"use strict"

/**
 * Where the paths of clients lead. The folder that holds an entry is opened, what was opened is checked, and the entry is
 * reached through that descriptor without following a link: a check of the path alone loses against somebody who swaps a
 * folder for a link after it.
 *
 * Inside a root directory of its own an agent is confined by the kernel. Without one, `confine` keeps the file operations
 * within the home and the temporary directory of the session, and there `/tmp` means the latter.
 */
const fs = require("node:fs")
const { isAbsolute, join, resolve } = require("node:path")
const { codeOf, Failure } = require("./failure.cjs")

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants

/** Opens a folder that may be entered, whether or not it may be read. */
const O_PATH = 0o10000000

const mostLinks = 40

/**
 * @typedef {object} Place
 * @property {string} path leads to the entry for as long as the place is open; to be opened without following links
 * @property {string} folder the path of the folder that holds it, without links
 * @property {() => void} close
 */

/** @type {{ readonly roots: ReadonlyArray<string>, readonly tmp: string } | undefined} */
let confinement

/**
 * From now on nothing outside these two directories is reached.
 *
 * @param {string} home
 * @param {string} tmp
 */
const confine = (home, tmp) => {
  confinement = { roots: [fs.realpathSync(home), fs.realpathSync(tmp)], tmp: fs.realpathSync(tmp) }
}

const isConfined = () => confinement !== undefined

/**
 * Opens the place of an entry, which need not exist yet.
 *
 * @param {string} file
 * @param {boolean} [follow] whether a link at the end is followed, also one that leads nowhere yet
 * @returns {Place}
 */
const locate = (file, follow = true) => {
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

/**
 * Uses a place and closes it.
 *
 * @template A
 * @param {string} file
 * @param {boolean} follow
 * @param {(path: string) => A} use
 * @returns {A}
 */
const at = (file, follow, use) => {
  const place = locate(file, follow)
  try {
    return use(place.path)
  } finally {
    place.close()
  }
}

/**
 * A descriptor of a folder, for its entries to be reached through.
 *
 * @param {string} file
 */
const openFolder = (file) => at(file, true, (path) => fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))

/**
 * A descriptor of a folder itself, not of what a link leads to, whether or not it may be read.
 *
 * @param {string} folder
 */
const openPlace = (folder) => fs.openSync(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW)

/** @param {number} fd */
const pathOf = (fd) => `/proc/self/fd/${fd}`

/**
 * Whether an open file is one that may be reached.
 *
 * @param {number} fd
 */
const isWithin = (fd) => confinement === undefined || isBelow(fs.readlinkSync(pathOf(fd)))

/** @param {string} path */
const isBelow = (path) =>
  confinement === undefined || confinement.roots.some((root) => path === root || path.startsWith(`${root}/`))

/** @param {string} file */
const ownTmp = (file) => {
  if (confinement === undefined || isBelow(resolve(file))) return file
  const rest = /^\/+(?:\.\/+)*tmp(?=\/|$)(.*)$/s.exec(file)?.[1]
  return rest === undefined ? file : confinement.tmp + rest
}

/**
 * @param {string} path
 * @param {string} file as the client wrote it
 * @returns {Place}
 */
const open = (path, file) => {
  const [parent, name] = split(path)
  const fd = fs.openSync(parent, O_PATH | O_DIRECTORY)
  try {
    const folder = fs.readlinkSync(pathOf(fd))
    if (!isBelow(join(folder, name))) throw new Failure("EACCES", `Permission denied, outside the session: ${file}`)
    return { path: `${pathOf(fd)}/${name}`, folder, close: once(() => fs.closeSync(fd)) }
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

/** @param {() => void} close */
const once = (close) => {
  let closed = false
  return () => {
    if (!closed) close()
    closed = true
  }
}

/**
 * The folder of an entry and its name; what has no name of its own is `.` in itself.
 *
 * @param {string} path
 * @returns {readonly [parent: string, name: string]}
 */
const split = (path) => {
  let end = path.length
  while (end > 0 && path[end - 1] === "/") end--
  const slash = path.lastIndexOf("/", end - 1)
  const name = path.slice(slash + 1, end)
  return name === "" || name === "." || name === ".." ? [path, "."] : [path.slice(0, slash) || "/", name]
}

/** @param {Place} place */
const linkOf = ({ close, path }) => {
  try {
    return fs.readlinkSync(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === "EINVAL" || code === "ENOENT") return undefined
    close()
    throw error
  }
}

module.exports = { confine, isConfined, locate, at, openFolder, openPlace, pathOf, isWithin }
