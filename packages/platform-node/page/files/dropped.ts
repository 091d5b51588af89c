/** What was dropped, with what is in dropped folders. */
import type { Chosen } from "./uploads.js"

const most = 1000

const entriesIn = (folder: FileSystemDirectoryEntry): Promise<ReadonlyArray<FileSystemEntry>> => {
  const reader = folder.createReader()
  const read = (): Promise<ReadonlyArray<FileSystemEntry>> =>
    new Promise<ReadonlyArray<FileSystemEntry>>((resolve, reject) => reader.readEntries(resolve, reject)).then(
      async (found) => found.length === 0 ? [] : [...found, ...await read()]
    )
  return read()
}

const collect = async (entry: FileSystemEntry, found: Array<Chosen>): Promise<void> => {
  if (found.length >= most) return
  if (entry.isDirectory) {
    for (const child of await entriesIn(entry as FileSystemDirectoryEntry)) await collect(child, found)
    return
  }
  const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
  found.push({ name: entry.fullPath.replace(/^\//, ""), file })
}

/** The entries must be taken at once: after the event they are gone. */
export const droppedFiles = async (transfer: DataTransfer): Promise<ReadonlyArray<Chosen>> => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const plain = [...transfer.files].map((file) => ({ name: file.name, file }))
  if (entries.length === 0) return plain
  const found: Array<Chosen> = []
  for (const entry of entries) await collect(entry, found)
  return found
}
