/**
 * Removes a directory that hostile code may still be changing. Entries are addressed relative to open directories, one
 * step at a time: replacing a directory with a symbolic link leads nowhere, and no depth exceeds PATH_MAX.
 */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = Fs.constants

/** Linux's O_PATH, which Node does not define: opens a directory without permission to read it. */
const O_PATH = 0o10000000

const pathOf = ({ fd }: Fs.promises.FileHandle): string => `/proc/self/fd/${fd}`

/** Opens a directory, makes it accessible and passes its path to `use`. */
const within = async <A>(path: string, use: (folder: string) => Promise<A>): Promise<A> => {
  const found = await Fs.promises.open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  try {
    await Fs.promises.chmod(pathOf(found), 0o700)
    const opened = await Fs.promises.open(pathOf(found), O_RDONLY | O_DIRECTORY)
    try {
      return await use(pathOf(opened))
    } finally {
      await opened.close()
    }
  } finally {
    await found.close()
  }
}

/** Unlinks everything but directories, and returns the names of those. */
const unlinkFiles = async (folder: string, kept?: string): Promise<ReadonlyArray<string>> => {
  const entries = (await Fs.promises.readdir(folder, { withFileTypes: true })).filter(({ name }) => name !== kept)
  for (const entry of entries) if (!entry.isDirectory()) await Fs.promises.unlink(`${folder}/${entry.name}`)
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** Removes a directory after moving its subdirectories next to it. */
const flatten = async (parent: string, name: string): Promise<void> => {
  await within(`${parent}/${name}`, async (folder) => {
    for (const inner of await unlinkFiles(folder)) {
      await within(`${folder}/${inner}`, async () => {})
      await Fs.promises.rename(`${folder}/${inner}`, `${parent}/.${randomBytes(8).toString("hex")}`)
    }
  })
  await Fs.promises.rmdir(`${parent}/${name}`)
}

/** Bounds the race with code that keeps creating directories. */
const maxDirectories = 1_000_000

const empty = async (root: string, last: string): Promise<void> => {
  for (let left = maxDirectories; left > 0;) {
    const names = await unlinkFiles(root, last)
    if (names.length === 0) return Fs.promises.rm(`${root}/${last}`, { force: true })
    for (const name of names) await flatten(root, name)
    left -= names.length
  }
  throw new Error("it is filled faster than it can be emptied")
}

/**
 * Removes a directory of this user with everything in it, whatever the permissions; succeeds if it does not exist. The file
 * `last`, which names its owner, is removed last.
 */
export const removeTree = async (root: string, last: string): Promise<void> => {
  try {
    await within(root, (folder) => empty(folder, last))
    await Fs.promises.rmdir(root)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || Fs.existsSync(root)) throw error
  }
}
