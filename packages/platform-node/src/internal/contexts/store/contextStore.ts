/**
 * Contexts on disk, each a directory with its metadata and files. A directory is renamed to its name once it is complete, and
 * away from it before it is removed, so that a crash leaves no incomplete context.
 */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { sweepTemporary, syncFolder, writeAtomically } from "./atomicFile.js"
import { ContextFiles, type FilesOptions } from "./contextFiles.js"
import { makeQuota, type Quota } from "./quota.js"
import { contextNotFound } from "./storageFailure.js"

export interface StoreOptions {
  readonly directory: string
  /** Whether acknowledged changes must survive a power loss. */
  readonly isDurable: boolean
  readonly limits: ContextLimits
  readonly now: () => number
}

export interface ContextLimits {
  readonly contextBytes: number
  readonly contextFiles: number
  readonly totalBytes: number
}

const Meta = Schema.parseJson(Schema.Struct({
  id: Schema.String.pipe(Schema.pattern(/^SdkCtx-[0-9a-f]{20}$/)),
  serial: Schema.NonNegativeInt,
  name: Schema.String,
  createTime: Schema.Number,
  lastUsedTime: Schema.Number,
  /** Whether it belongs to a session and is removed with it. */
  isInternal: Schema.Boolean
}))

type Meta = typeof Meta.Type

export interface StoredContext extends Meta {
  readonly files: ContextFiles
  state: "available" | "clearing"
  name: string
  lastUsedTime: number
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const maxContexts = 10_000

const tooManyContexts = new ApiError({
  status: 429,
  code: "QuotaExceeded.Contexts",
  message: `this runtime keeps at most ${maxContexts} contexts`
})

const nameTaken = new ApiError({
  status: 409,
  code: "InvalidContext.NameExists",
  message: "Another context has this name."
})

const metaOf = ({ createTime, id, isInternal, lastUsedTime, name, serial }: Meta): string =>
  Schema.encodeSync(Meta)({ createTime, id, isInternal, lastUsedTime, name, serial })

const decodeMeta = Schema.decodeUnknownEither(Meta)

const readMeta = (path: string): Meta | undefined => {
  try {
    return Either.getOrUndefined(decodeMeta(Fs.readFileSync(path, "utf8")))
  } catch {
    return undefined
  }
}

export class ContextStore {
  readonly #options: StoreOptions
  readonly #total: Quota
  readonly #contexts = new Map<string, StoredContext>()
  readonly #creating = new Map<string, Promise<StoredContext>>()
  #serial = 0

  private constructor(options: StoreOptions) {
    this.#options = options
    this.#total = makeQuota(options.limits.totalBytes, "all contexts together", undefined)
  }

  static async open(options: StoreOptions): Promise<ContextStore> {
    const store = new ContextStore(options)
    for (const name of await Fs.promises.readdir(options.directory)) await store.#load(name)
    return store
  }

  /** The contexts in the order of their creation, without those that belong to sessions. */
  list(): ReadonlyArray<StoredContext> {
    return [...this.#contexts.values()].filter(({ isInternal }) => !isInternal).sort((a, b) => a.serial - b.serial)
  }

  peek(id: string): StoredContext | undefined {
    return this.#contexts.get(id)
  }

  get(id: string): StoredContext {
    const found = this.peek(id)
    if (found === undefined) throw contextNotFound
    return found
  }

  find(name: string): StoredContext | undefined {
    return this.list().find((context) => context.name === name)
  }

  /** The context with that name; concurrent calls get the same one. */
  async getOrCreate(name: string): Promise<StoredContext> {
    const found = this.find(name) ?? this.#creating.get(name)
    if (found !== undefined) return found
    const created = this.#create(name, false).finally(() => this.#creating.delete(name))
    this.#creating.set(name, created)
    return created
  }

  createInternal(name: string): Promise<StoredContext> {
    return this.#create(name, true)
  }

  async rename(id: string, name: string): Promise<void> {
    const context = this.get(id)
    if (context.name === name) return
    if (this.find(name) !== undefined || this.#creating.has(name)) throw nameTaken
    const before = context.name
    context.name = name
    await this.#save(context).catch((error) => {
      context.name = before
      throw error
    })
  }

  /** Updates `lastUsedTime` in the background; errors are ignored. */
  touch(context: StoredContext): void {
    context.lastUsedTime = this.#options.now()
    this.#save(context).catch(() => {})
  }

  async remove(id: string): Promise<void> {
    const context = this.get(id)
    this.#contexts.delete(id)
    context.files.markRemoved()
    const gone = this.#path(`.gone-${id}-${Crypto.randomBytes(4).toString("hex")}`)
    await Fs.promises.rename(this.#path(id), gone)
    await this.#syncNames()
    await Fs.promises.rm(gone, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
  }

  /** Removes all files; its state is `clearing` meanwhile. Does nothing where that is in progress already. */
  async clear(id: string): Promise<void> {
    const context = this.get(id)
    if (context.state === "clearing") return
    context.state = "clearing"
    try {
      await context.files.clear()
    } finally {
      context.state = "available"
    }
  }

  async removeExpired(): Promise<void> {
    for (const { files } of this.#contexts.values()) await files.removeExpired()
  }

  async #create(name: string, isInternal: boolean): Promise<StoredContext> {
    if (this.#contexts.size >= maxContexts) throw tooManyContexts
    const id = `SdkCtx-${Crypto.randomBytes(10).toString("hex")}`
    const now = this.#options.now()
    const meta: Meta = { id, serial: this.#serial += 1, name, createTime: now, lastUsedTime: now, isInternal }
    const unfinished = this.#path(`.new-${id}`)
    try {
      await Fs.promises.mkdir(unfinished, { mode: 0o700 })
      await writeAtomically(Path.join(unfinished, "context.json"), metaOf(meta), this.#options.isDurable)
      await Fs.promises.rename(unfinished, this.#path(id))
      await this.#syncNames()
    } catch (error) {
      await Fs.promises.rm(unfinished, { recursive: true, force: true }).catch(() => {})
      throw error
    }
    return this.#open(meta)
  }

  async #load(name: string): Promise<void> {
    const path = this.#path(name)
    if (/^\.(new|gone)-SdkCtx-/.test(name)) return Fs.promises.rm(path, { recursive: true, force: true })
    const meta = readMeta(Path.join(path, "context.json"))
    if (meta === undefined || meta.id !== name) return
    if (meta.isInternal) return Fs.promises.rm(path, { recursive: true, force: true })
    this.#serial = Math.max(this.#serial, meta.serial)
    await sweepTemporary(path)
    await this.#open(meta)
  }

  async #open(meta: Meta): Promise<StoredContext> {
    const { limits, now } = this.#options
    const options: FilesOptions = {
      isDurable: this.#options.isDurable && !meta.isInternal,
      maxBytes: limits.contextBytes,
      maxFiles: limits.contextFiles,
      total: this.#total,
      now
    }
    const files = await ContextFiles.open(this.#path(meta.id), options)
    const context: Mutable<StoredContext> = { ...meta, files, state: "available" }
    this.#contexts.set(meta.id, context)
    return context
  }

  async #save(context: StoredContext): Promise<void> {
    await writeAtomically(this.#path(Path.join(context.id, "context.json")), metaOf(context), this.#options.isDurable)
  }

  async #syncNames(): Promise<void> {
    if (this.#options.isDurable) await syncFolder(this.#options.directory)
  }

  #path(name: string): string {
    return Path.join(this.#options.directory, name)
  }
}
