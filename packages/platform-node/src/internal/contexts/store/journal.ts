/**
 * An append-only file of JSON lines. Lines that are appended concurrently are written and synced together (group commit). A
 * line that a crash cut off is ignored when the file is read, and a write that failed is truncated.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { syncFolder } from "./atomicFile.js"

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Journal {
  readonly #path: string
  readonly #isDurable: boolean
  #waiting: Array<Waiting> = []
  #writing: Promise<void> | undefined
  #size: number

  constructor(path: string, size: number, isDurable: boolean) {
    this.#path = path
    this.#size = size
    this.#isDurable = isDurable
  }

  append(value: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(value)}\n`, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      await this.#write(Buffer.from(batch.map(({ line }) => line).join(""))).then(
        () => batch.forEach(({ resolve }) => resolve()),
        (error) => batch.forEach(({ reject }) => reject(error))
      )
    }
    this.#writing = undefined
  }

  /** Writes at the known end, so that the remains of a failed write are overwritten. */
  async #write(bytes: Buffer): Promise<void> {
    const file = await Fs.promises.open(this.#path, Fs.constants.O_WRONLY | Fs.constants.O_CREAT, 0o600)
    try {
      for (let at = 0; at < bytes.length;) {
        at += (await file.write(bytes, at, bytes.length - at, this.#size + at)).bytesWritten
      }
      if (this.#isDurable) await file.datasync()
      // The first lines may have created the file.
      if (this.#isDurable && this.#size === 0) await syncFolder(Path.dirname(this.#path))
      this.#size += bytes.length
    } catch (error) {
      await file.truncate(this.#size).catch(() => {})
      throw error
    } finally {
      await file.close()
    }
  }
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** The complete lines of a journal, and their size in bytes. Invalid JSON is read as undefined. */
export const readJournal = (path: string): { readonly values: ReadonlyArray<unknown>; readonly size: number } => {
  const bytes = Fs.existsSync(path) ? Fs.readFileSync(path) : Buffer.alloc(0)
  const size = bytes.lastIndexOf(10) + 1
  const text = bytes.toString("utf8", 0, size)
  return { values: text === "" ? [] : text.slice(0, -1).split("\n").map(parsed), size }
}
