/**
 * The files of one context. Contents are stored in blobs with random names, and a journal maps paths to blobs: a file exists
 * once its line is written. Blobs without a line are removed when the context is opened.
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
  /** Name of its blob; every content gets a new one. */
  blob: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{32}$/)),
  size: Schema.NonNegativeInt,
  mode: Schema.NonNegativeInt,
  created: Schema.Number,
  modified: Schema.Number,
  /** When it expires, as Unix time in milliseconds. */
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

/** A content without a path yet. */
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
  #isRemoved = false

  private constructor(folder: string, options: FilesOptions, files: Map<string, StoredFile>, size: number) {
    this.#folder = folder
    this.#options = options
    this.#quota = makeQuota(options.maxBytes, "the context", options.total)
    this.#files = files
    this.#journal = new Journal(Path.join(folder, "files"), size, options.isDurable)
  }

  /** Opens or creates the folder, compacts its journal and removes unused blobs. */
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

  /** Existing files are counted even where they exceed a limit that has been lowered. */
  #countAll() {
    for (const { size } of this.#files.values()) this.#quota.adjust(size)
  }

  find(path: string): StoredFile | undefined {
    const file = this.#files.get(path)
    return file === undefined || (file.expires ?? Infinity) <= this.#options.now() ? undefined : file
  }

  all(): ReadonlyArray<StoredFile> {
    const now = this.#options.now()
    return [...this.#files.values()].filter(({ expires }) => (expires ?? Infinity) > now)
  }

  /** Starts a content, which becomes a file with `put` or is discarded with `abort`. */
  async stage(): Promise<Staged> {
    if (this.#isRemoved) throw contextNotFound
    const blob = Crypto.randomBytes(16).toString("hex")
    return { blob, file: await StagedFile.create(this.#blobPath(blob), this.#quota) }
  }

  /** Atomically creates or replaces the file at this path. Discards the content on failure. */
  async put(path: string, { blob, file }: Staged, options: PutOptions = {}): Promise<StoredFile> {
    try {
      if (!this.#files.has(path) && this.#files.size >= this.#options.maxFiles) {
        throw quotaExceeded(`the context would hold more than ${this.#options.maxFiles} files`)
      }
      await file.finish(this.#options.isDurable)
      const stored = this.#describe(path, blob, file.size, options)
      await this.#journal.append({ put: stored })
      if (this.#isRemoved) throw contextNotFound
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

  /** Returns whether the file existed. */
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

  /** An open file stays readable after it is replaced or removed. */
  async read({ blob }: StoredFile): Promise<Fs.promises.FileHandle> {
    try {
      return await Fs.promises.open(this.#blobPath(blob), "r")
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "ENOENT" ? fileNotFound : error
    }
  }

  /** Forgets all files, since the directory is being removed. Nothing can be stored any more. */
  markRemoved(): void {
    this.#isRemoved = true
    for (const { size } of this.#files.values()) this.#quota.adjust(-size)
    this.#files.clear()
  }

  #describe(path: string, blob: string, size: number, { expires, mode = 0o644 }: PutOptions): StoredFile {
    const now = this.#options.now()
    const created = this.find(path)?.created ?? now
    return { path, blob, size, mode, created, modified: now, ...(expires === undefined ? {} : { expires }) }
  }

  async #drop({ blob, size }: StoredFile): Promise<void> {
    this.#quota.adjust(-size)
    await Fs.promises.rm(this.#blobPath(blob), { force: true }).catch(() => {})
  }

  #blobPath(blob: string): string {
    return Path.join(this.#folder, "blobs", blob)
  }
}
