/**
 * Removing a directory of which hostile code may still hold a part. Nothing is reached by a path of more than one step, so
 * that a link which takes the place of a directory meanwhile leads nowhere, and no depth is too deep.
 */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = Fs.constants

/** Of Linux, and not among the constants of Node: refers to a directory that may not be read. */
const O_PATH = 0o10000000

const pathOf = ({ fd }: Fs.promises.FileHandle): string => `/proc/self/fd/${fd}`

/** Does something with an open directory of which nobody was locked out. */
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

/** Removes what is no directory, and gives the names of what is one. */
const clear = async (folder: string, kept?: string): Promise<ReadonlyArray<string>> => {
  const entries = (await Fs.promises.readdir(folder, { withFileTypes: true })).filter(({ name }) => name !== kept)
  for (const entry of entries) if (!entry.isDirectory()) await Fs.promises.unlink(`${folder}/${entry.name}`)
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** Removes a directory, those in which come to lie beside it. */
const flatten = async (parent: string, name: string): Promise<void> => {
  await within(`${parent}/${name}`, async (folder) => {
    for (const inner of await clear(folder)) {
      await within(`${folder}/${inner}`, async () => {})
      await Fs.promises.rename(`${folder}/${inner}`, `${parent}/.${randomBytes(8).toString("hex")}`)
    }
  })
  await Fs.promises.rmdir(`${parent}/${name}`)
}

/** Where somebody goes on making directories all the time. */
const mostRounds = 1_000_000

const empty = async (root: string, last: string): Promise<void> => {
  for (let left = mostRounds; left > 0;) {
    const names = await clear(root, last)
    if (names.length === 0) return Fs.promises.rm(`${root}/${last}`, { force: true })
    for (const name of names) await flatten(root, name)
    left -= names.length
  }
  throw new Error("it is filled faster than it can be emptied")
}

/**
 * Removes a directory of this user with everything in it, locked or not; one that is not there is none. The file `last`
 * says whose it is, and goes when nothing else is left.
 */
export const removeTree = async (root: string, last: string): Promise<void> => {
  try {
    await within(root, (folder) => empty(folder, last))
    await Fs.promises.rmdir(root)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || Fs.existsSync(root)) throw error
  }
}
