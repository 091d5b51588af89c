/**
 * Removes a directory that hostile code may still be changing. Entries are addressed relative to open directories, one
 * step at a time: replacing a directory with a symbolic link leads nowhere, and no depth exceeds PATH_MAX.
 */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { ownPass } from "../channel/eventLoopTurns.js"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = Fs.constants

/** Linux's O_PATH, which Node does not define: opens a directory without permission to read it. */
const O_PATH = 0o10000000

const pathOf = (descriptor: number): string => `/proc/self/fd/${descriptor}`

/**
 * Opens a directory, makes it accessible and passes its path to `use`. System calls that wait for nothing cost a tenth of
 * what they cost in another thread, and a thousand sessions may end at once.
 */
const within = async <A>(path: string | Buffer, use: (folder: string) => Promise<A>): Promise<A> => {
  const found = await Fs.promises.open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  try {
    Fs.chmodSync(pathOf(found.fd), 0o700)
    const opened = Fs.openSync(pathOf(found.fd), O_RDONLY | O_DIRECTORY)
    try {
      return await use(pathOf(opened))
    } finally {
      Fs.closeSync(opened)
    }
  } finally {
    await found.close()
  }
}

/** Names are bytes, which need not be text. */
const entryOf = (folder: string, name: string): Buffer => Buffer.from(`${folder}/${name}`, "latin1")

/** Entries that are removed before others may use the event loop. */
const removedAtOnce = 32

/** Unlinks everything but directories, and returns the names of those, a character for each byte. */
const unlinkFiles = async (folder: string, kept?: string): Promise<ReadonlyArray<string>> => {
  const found = await Fs.promises.readdir(folder, { withFileTypes: true, encoding: "latin1" })
  const files = found.filter((entry) => !entry.isDirectory() && entry.name !== kept)
  for (const [index, { name }] of files.entries()) {
    Fs.unlinkSync(entryOf(folder, name))
    if (index % removedAtOnce === removedAtOnce - 1) await ownPass()
  }
  return found.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** Whether it was an empty directory and is removed; most are. */
const removeEmpty = (path: Buffer): boolean => {
  try {
    Fs.rmdirSync(path)
    return true
  } catch {
    return false
  }
}

/** Removes a directory after moving its subdirectories next to it. */
const flatten = async (parent: string, name: string): Promise<void> => {
  if (removeEmpty(entryOf(parent, name))) return
  await within(entryOf(parent, name), async (folder) => {
    for (const inner of await unlinkFiles(folder)) {
      await within(entryOf(folder, inner), async () => {})
      Fs.renameSync(entryOf(folder, inner), `${parent}/.${randomBytes(8).toString("hex")}`)
    }
  })
  Fs.rmdirSync(entryOf(parent, name))
}

/** Bounds the race with code that keeps creating directories. */
const maxDirectories = 1_000_000

const empty = async (folder: string, last: string): Promise<void> => {
  for (let left = maxDirectories; left > 0;) {
    const names = await unlinkFiles(folder, last)
    if (names.length === 0) return
    for (const name of names) await flatten(folder, name)
    left -= names.length
  }
  throw new Error("it is filled faster than it can be emptied")
}

/**
 * Removes a directory of this user with everything in it, whatever the permissions; succeeds if it does not exist. The file
 * `last`, which names its owner, is removed last, and at once with the directory: without one it is swept much later.
 */
export const removeTree = async (root: string, last: string): Promise<void> => {
  try {
    await within(root, async (folder) => {
      await empty(folder, last)
      Fs.rmSync(`${folder}/${last}`, { force: true })
      Fs.rmdirSync(root)
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || Fs.existsSync(root)) throw error
  }
}
