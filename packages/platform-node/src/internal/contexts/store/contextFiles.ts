/**
 * The files of one context. Contents lie under random names that nothing of the outside takes part in; which of them is
 * which file stands in the journal, and a file exists once its line is there. What no line names is swept at the start.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { writeAtomically } from "./atomicFile.js"
import { Journal, readJournal } from "./journal.js"
import { makeQuota, type Quota } from "./quota.js"
import { StagedFile } from "./stagedFile.js"
import { contextNotFound, fileNotFound, quotaExceeded } from "./storageFailure.js"

const StoredFile = Schema.Struct({
  path: Schema.String,
  /** Where its content lies; another content has another. */
  blob: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{32}$/)),
  size: Schema.NonNegativeInt,
  mode: Schema.NonNegativeInt,
  created: Schema.Number,
  modified: Schema.Number,
  /** When it is no longer kept, in milliseconds. */
  expires: Schema.optionalWith(Schema.Number, { exact: true })
})

export type StoredFile = typeof StoredFile.Type

const Entry = Schema.Union(
  Schema.Struct({ put: StoredFile }),
  Schema.Struct({ remove: Schema.String }),
  Schema.Struct({ clear: Schema.Literal(true) })
)

const decodeEntry = Schema.decodeUnknownEither(Entry)

export interface FilesOptions {
  readonly isDurable: boolean
  readonly maxBytes: number
  readonly maxFiles: number
  readonly total: Quota
  readonly now: () => number
}

export interface PutOptions {
  readonly mode?: number
  readonly expires?: number | undefined
}

/** A content that has no name yet. */
export interface Staged {
  readonly file: StagedFile
  readonly blob: string
}

const replay = (values: ReadonlyArray<unknown>): Map<string, StoredFile> => {
  const files = new Map<string, StoredFile>()
  for (const entry of values.map((value) => decodeEntry(value)).filter(Either.isRight)) {
    if ("put" in entry.right) files.set(entry.right.put.path, entry.right.put)
    else if ("remove" in entry.right) files.delete(entry.right.remove)
    else files.clear()
  }
  return files
}

const sizeOf = (path: string): number => Fs.statSync(path, { throwIfNoEntry: false })?.size ?? -1

export class ContextFiles {
  readonly #folder: string
  readonly #options: FilesOptions
  readonly #quota: Quota
  readonly #files: Map<string, StoredFile>
  readonly #journal: Journal
  #isGone = false

  private constructor(folder: string, options: FilesOptions, files: Map<string, StoredFile>, size: number) {
    this.#folder = folder
    this.#options = options
    this.#quota = makeQuota(options.maxBytes, "the context", options.total)
    this.#files = files
    this.#journal = new Journal(Path.join(folder, "files"), size, options.isDurable)
  }

  /** Reads what is there, and removes what belongs to nothing. */
  static async open(folder: string, options: FilesOptions): Promise<ContextFiles> {
    const journal = Path.join(folder, "files")
    const blobs = Path.join(folder, "blobs")
    await Fs.promises.mkdir(blobs, { recursive: true, mode: 0o700 })
    const { size, values } = readJournal(journal)
    const files = replay(values)
    for (const [path, file] of files) {
      if (sizeOf(Path.join(blobs, file.blob)) !== file.size) files.delete(path)
    }
    const isSparse = values.length > 2 * files.size + 100 || values.includes(undefined)
    const lines = isSparse ? [...files.values()].map((put) => `${JSON.stringify({ put })}\n`).join("") : ""
    if (isSparse) await writeAtomically(journal, lines, options.isDurable)
    const used = new Set([...files.values()].map(({ blob }) => blob))
    for (const name of await Fs.promises.readdir(blobs)) {
      if (!used.has(name)) await Fs.promises.rm(Path.join(blobs, name), { force: true })
    }
    const self = new ContextFiles(folder, options, files, isSparse ? Buffer.byteLength(lines) : size)
    self.#countAll()
    return self
  }

  /** What was kept before the limits were lowered is kept on. */
  #countAll() {
    for (const { size } of this.#files.values()) this.#quota.count(size)
  }

  find(path: string): StoredFile | undefined {
    const file = this.#files.get(path)
    return file === undefined || (file.expires ?? Infinity) <= this.#options.now() ? undefined : file
  }

  all(): ReadonlyArray<StoredFile> {
    const now = this.#options.now()
    return [...this.#files.values()].filter(({ expires }) => (expires ?? Infinity) > now)
  }

  /** Room for a content that becomes a file with `put` or is given up with `abort`. */
  async stage(): Promise<Staged> {
    if (this.#isGone) throw contextNotFound
    const blob = Crypto.randomBytes(16).toString("hex")
    return { blob, file: await StagedFile.create(this.#blobPath(blob), this.#quota) }
  }

  /** Takes the place of what had this path, in one step. Gives up the content when it fails. */
  async put(path: string, { blob, file }: Staged, options: PutOptions = {}): Promise<StoredFile> {
    try {
      if (!this.#files.has(path) && this.#files.size >= this.#options.maxFiles) {
        throw quotaExceeded(`the context would hold more than ${this.#options.maxFiles} files`)
      }
      await file.finish(this.#options.isDurable)
      const stored = this.#describe(path, blob, file.size, options)
      await this.#journal.append({ put: stored })
      if (this.#isGone) throw contextNotFound
      file.keep()
      const replaced = this.#files.get(path)
      this.#files.set(path, stored)
      if (replaced !== undefined) await this.#drop(replaced)
      return stored
    } catch (error) {
      await file.abort()
      throw error
    }
  }

  /** Whether there was such a file. */
  async remove(path: string): Promise<boolean> {
    if (!this.#files.has(path)) return false
    await this.#journal.append({ remove: path })
    const file = this.#files.get(path)
    this.#files.delete(path)
    if (file !== undefined) await this.#drop(file)
    return file !== undefined
  }

  async clear(): Promise<void> {
    await this.#journal.append({ clear: true })
    const dropped = [...this.#files.values()]
    this.#files.clear()
    for (const file of dropped) await this.#drop(file)
  }

  async removeExpired(): Promise<void> {
    const now = this.#options.now()
    for (const { expires, path } of [...this.#files.values()]) {
      if ((expires ?? Infinity) <= now) await this.remove(path)
    }
  }

  /** An open file stays readable when it is replaced or removed meanwhile. */
  async read({ blob }: StoredFile): Promise<Fs.promises.FileHandle> {
    try {
      return await Fs.promises.open(this.#blobPath(blob), "r")
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "ENOENT" ? fileNotFound : error
    }
  }

  /** The directory is being removed: nothing more can be put. */
  close(): void {
    this.#isGone = true
    for (const { size } of this.#files.values()) this.#quota.count(-size)
    this.#files.clear()
  }

  #describe(path: string, blob: string, size: number, { expires, mode = 0o644 }: PutOptions): StoredFile {
    const now = this.#options.now()
    const created = this.find(path)?.created ?? now
    return { path, blob, size, mode, created, modified: now, ...(expires === undefined ? {} : { expires }) }
  }

  async #drop({ blob, size }: StoredFile): Promise<void> {
    this.#quota.count(-size)
    await Fs.promises.rm(this.#blobPath(blob), { force: true }).catch(() => {})
  }

  #blobPath(blob: string): string {
    return Path.join(this.#folder, "blobs", blob)
  }
}
