/** Atomic writes: a file exists completely or not at all, even after a crash. */
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"

/** Syncs a folder to disk, with which the names in it survive a power loss. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await Fs.promises.open(path, "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const temporaryName = /^.+\.[0-9a-f]{12}\.part$/

/** Removes the temporary files of writes that a crash cut off. Nothing may be writing into the folder. */
export const sweepTemporary = async (folder: string): Promise<void> => {
  for (const name of await Fs.promises.readdir(folder)) {
    if (temporaryName.test(name)) await Fs.promises.rm(Path.join(folder, name), { force: true })
  }
}

/** Writes a temporary file and renames it; with `isDurable` both are synced to disk. */
export const writeAtomically = async (path: string, text: string, isDurable: boolean): Promise<void> => {
  const temporary = `${path}.${Crypto.randomBytes(6).toString("hex")}.part`
  try {
    const file = await Fs.promises.open(temporary, "wx", 0o600)
    try {
      await file.writeFile(text)
      if (isDurable) await file.sync()
    } finally {
      await file.close()
    }
    await Fs.promises.rename(temporary, path)
    if (isDurable) await syncFolder(Path.dirname(path))
  } catch (error) {
    await Fs.promises.rm(temporary, { force: true })
    throw error
  }
}
