/**
 * The files of one context. Contents are stored in blobs with random names, and a journal maps paths to blobs: a file exists
 * once its line is written. Blobs without a line are removed when the context is opened.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { syncFolder, writeAtomically } from "./atomicFile.js"
import { Journal, readJournal } from "./journal.js"
import { makeQuota, type Quota } from "./quota.js"
import { haveSameContent } from "./sameContent.js"
import { StagedFile } from "./stagedFile.js"
import { contextNotFound, fileNotFound, preconditionFailed, quotaExceeded } from "./storageFailure.js"

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

const Change = Schema.Union(Schema.Struct({ put: StoredFile }), Schema.Struct({ remove: Schema.String }))

const Entry = Schema.Union(
  Change,
  Schema.Struct({ clear: Schema.Literal(true) }),
  /** Changes that are made together. */
  Schema.Struct({ all: Schema.Array(Change) })
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
  /** Whether it may replace that version; undefined where there is none. Without it, it may replace any. */
  readonly mayReplace?: ((current: StoredFile | undefined) => boolean) | undefined
}

/** A content, and the path that it will have. */
export interface Put extends PutOptions {
  readonly path: string
  readonly staged: Staged
  /** The path that it gets where it may not; without one the change fails. */
  readonly otherwise?: string | undefined
}

/** A content without a path yet. */
export interface Staged {
  readonly file: StagedFile
  readonly blob: string
}

const replay = (values: ReadonlyArray<unknown>): Map<string, StoredFile> => {
  const files = new Map<string, StoredFile>()
  const make = (change: typeof Change.Type) =>
    "put" in change ? files.set(change.put.path, change.put) : files.delete(change.remove)
  for (const { right: entry } of values.map((value) => decodeEntry(value)).filter(Either.isRight)) {
    if ("all" in entry) entry.all.forEach(make)
    else if ("clear" in entry) files.clear()
    else make(entry)
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
  /** Paths with a change in progress: what a change was allowed to replace must still be there when it is made. */
  readonly #busy = new Map<string, Promise<void>>()
  readonly #serials = new WeakMap<StoredFile, number>()
  #serial = 0
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

  /** Grows with every file that is stored. */
  get serial(): number {
    return this.#serial
  }

  /** The serial number with which a file was stored. */
  serialOf(file: StoredFile): number {
    return this.#serials.get(file) ?? 0
  }

  /** Starts a content, which becomes a file with `put` or is discarded with `abort`. */
  async stage(): Promise<Staged> {
    if (this.#isRemoved) throw contextNotFound
    const blob = Crypto.randomBytes(16).toString("hex")
    return { blob, file: await StagedFile.create(this.#blobPath(blob), this.#quota) }
  }

  /** Fails where that many bytes more would exceed a quota. */
  checkRoom(bytes: number): void {
    this.#quota.take(bytes)
    this.#quota.adjust(-bytes)
  }

  /** Completes a content before it gets its path. */
  finish({ file }: Staged): Promise<void> {
    return file.finish(this.#options.isDurable)
  }

  /** Atomically creates or replaces the file at this path. Discards the content on failure. */
  async put(path: string, staged: Staged, options: PutOptions = {}): Promise<StoredFile> {
    const [stored] = await this.change([{ ...options, path, staged }])
    if (stored === undefined) throw contextNotFound
    return stored
  }

  /**
   * Atomically creates or replaces files, and removes others unless they have been replaced meanwhile. Discards all contents
   * on failure. Returns the files in the order of their contents.
   */
  change(wanted: ReadonlyArray<Put>, removed: ReadonlyArray<StoredFile> = []): Promise<ReadonlyArray<StoredFile>> {
    const paths = [...wanted, ...removed].map(({ path }) => path)
    const others = wanted.flatMap(({ otherwise }) => otherwise ?? [])
    return this.#exclusively([...paths, ...others], () => this.#change(wanted, removed))
  }

  async #change(
    wanted: ReadonlyArray<Put>,
    removed: ReadonlyArray<StoredFile>
  ): Promise<ReadonlyArray<StoredFile>> {
    try {
      for (const { staged } of wanted) await this.finish(staged)
      const puts: Array<Put> = []
      for (const put of wanted) puts.push(await this.#placed(put))
      const gone = removed.filter(({ blob, path }) => this.#files.get(path)?.blob === blob)
      const added = puts.filter(({ path }) => !this.#files.has(path)).length
      if (added > 0 && this.#files.size + added - gone.length > this.#options.maxFiles) {
        throw quotaExceeded(`the context would hold more than ${this.#options.maxFiles} files`)
      }
      if (this.#options.isDurable && puts.length > 0) await syncFolder(Path.join(this.#folder, "blobs"))
      const stored = puts.map((put) => this.#describe(put))
      const changes = [...gone.map(({ path }) => ({ remove: path })), ...stored.map((put) => ({ put }))]
      if (changes.length > 0) await this.#journal.append(changes.length === 1 ? changes[0] : { all: changes })
      if (this.#isRemoved) throw contextNotFound
      for (const { staged } of puts) staged.file.keep()
      await this.#replace(stored, gone)
      return stored
    } catch (error) {
      for (const { staged } of wanted) await staged.file.abort()
      throw error
    }
  }

  async #placed(put: Put): Promise<Put> {
    const current = this.find(put.path)
    if (put.mayReplace === undefined || put.mayReplace(current)) return put
    if (put.otherwise === undefined) throw preconditionFailed
    // Replacing a version with the same content does no harm.
    const isSame = current?.size === put.staged.file.size &&
      await haveSameContent(this.#blobPath(current.blob), this.#blobPath(put.staged.blob))
    return isSame ? put : { ...put, path: put.otherwise }
  }

  /** Waits until none of the paths has a change in progress. */
  async #exclusively<A>(paths: ReadonlyArray<string>, work: () => Promise<A>): Promise<A> {
    for (let busy = this.#changeOf(paths); busy !== undefined; busy = this.#changeOf(paths)) await busy
    const done = work()
    const settled = done.then(() => {}, () => {})
    for (const path of paths) this.#busy.set(path, settled)
    try {
      return await done
    } finally {
      for (const path of paths) this.#busy.delete(path)
    }
  }

  #changeOf(paths: ReadonlyArray<string>): Promise<void> | undefined {
    const path = this.#busy.size === 0 ? undefined : paths.find((path) => this.#busy.has(path))
    return path === undefined ? undefined : this.#busy.get(path)
  }

  async #replace(stored: ReadonlyArray<StoredFile>, gone: ReadonlyArray<StoredFile>): Promise<void> {
    const dropped = [...gone, ...stored].flatMap(({ path }) => this.#files.get(path) ?? [])
    for (const { path } of gone) this.#files.delete(path)
    for (const file of stored) {
      this.#files.set(file.path, file)
      this.#serials.set(file, this.#serial += 1)
    }
    for (const file of dropped) await this.#drop(file)
  }

  /** Returns whether the file existed. */
  remove(path: string): Promise<boolean> {
    return this.#exclusively([path], () => this.#remove(path))
  }

  async #remove(path: string): Promise<boolean> {
    if (!this.#files.has(path)) return false
    await this.#journal.append({ remove: path })
    const file = this.#files.get(path)
    this.#files.delete(path)
    if (file !== undefined) await this.#drop(file)
    return file !== undefined
  }

  clear(): Promise<void> {
    return this.#exclusively([...this.#files.keys(), ...this.#busy.keys()], () => this.#clear())
  }

  async #clear(): Promise<void> {
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
  async read({ blob }: Pick<StoredFile, "blob">): Promise<Fs.promises.FileHandle> {
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

  #describe({ expires, mode = 0o644, path, staged: { blob, file: { size } } }: Put): StoredFile {
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
