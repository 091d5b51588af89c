/**
 * The contexts of one session: which of its directories are mapped to them, and the copies between the two. The copies of a
 * session run one after the other and end with it.
 */
import { type PersistenceData, type SyncItem, SyncPolicy } from "@effect-agb/core/AgbApi"
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { LocalSession } from "../../server/sessions/localSession.js"
import type { ContextStore, StoredContext } from "../store/contextStore.js"
import { contextNotFound, onDisk } from "../store/storageFailure.js"
import { archivePath, isArchived } from "./archiving.js"
import { isWithin, normalized, tidy } from "./contextPaths.js"
import { copy } from "./copy.js"
import { requireWritable } from "./downloading.js"
import { Manifest } from "./manifest.js"
import { withProgress } from "./progress.js"
import { reasonOf, type SandboxFiles, sandboxFiles } from "./sandboxFiles.js"
import { SyncTasks, type Task, type TaskFilter } from "./syncTasks.js"
import { type Direction, explain, type Mapping, type TransferFailure } from "./transfer.js"

export interface SessionContextsOptions {
  readonly session: LocalSession
  readonly store: ContextStore
  /** Bounds the sessions that copy at the same time. */
  readonly permits: Effect.Semaphore
  readonly now: () => number
}

/** The context of a session for file transfers. */
export interface TransferContext {
  readonly contextId: string
  readonly contextPath: string
}

const defaultPolicy = Schema.decodeSync(SyncPolicy)({})

const bothOrNeither = new ApiError({
  status: 400,
  code: "InvalidParameter",
  message: "contextId and path must be given together or not at all"
})

const tooSlow = new ApiError({
  status: 504,
  code: "Sync.Timeout",
  message: "the copy was given up, since it stood still or was too slow"
})

const mappingOf = ({ contextId, path, policy = defaultPolicy }: PersistenceData): Mapping => {
  const storedPath = tidy(policy.mappingPolicy?.path ?? path)
  return {
    contextId,
    path: tidy(path),
    sentPath: path,
    storedPath,
    base: storedPath,
    policy,
    recursive: true,
    once: false
  }
}

export class SessionContexts {
  readonly #session: LocalSession
  readonly #store: ContextStore
  readonly #permits: Effect.Semaphore
  readonly #now: () => number
  /** Names versions of this session in contexts. */
  readonly #name: string
  readonly #files: SandboxFiles
  readonly #tasks: SyncTasks
  readonly #mappings: Array<Mapping> = []
  #manifests = new WeakMap<StoredContext, Manifest>()
  /** Directories that the session could not write, such as `/etc`: what is in them is not the session's, and not saved. */
  readonly #foreign = new Set<string>()
  readonly #running = new Set<Fiber.RuntimeFiber<void>>()
  readonly #copyLock = Effect.unsafeMakeSemaphore(1)
  readonly #transferContextLock = Effect.unsafeMakeSemaphore(1)
  #transferContext: TransferContext | undefined

  constructor({ now, permits, session, store }: SessionContextsOptions) {
    this.#session = session
    this.#store = store
    this.#permits = permits
    this.#now = now
    this.#name = session.sessionId.slice(-8)
    this.#files = sandboxFiles(session.sandbox)
    this.#tasks = new SyncTasks(now)
  }

  /** Maps directories and starts their downloads. They are saved by a pre-stop hook of the session. */
  attach(list: ReadonlyArray<PersistenceData>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const added = list.map(mappingOf)
      for (const { contextId } of added) this.#findManifest(contextId)
      this.#mappings.push(...added)
      if (added.length > 0) this.#session.preStopHooks.push(this.#saveAll)
      return Effect.forEach(
        added.filter(({ policy }) => policy.downloadPolicy.autoDownload),
        (mapping) => this.#begin(mapping, "download"),
        { discard: true }
      )
    })
  }

  /** Starts a copy; without context and path, one of each mapping. */
  start({ contextId = "", path = "" }: TaskFilter, direction: Direction): Effect.Effect<void, ApiError> {
    if ((contextId === "") !== (path === "")) return Effect.fail(bothOrNeither)
    if (contextId === "") {
      return Effect.suspend(() =>
        Effect.forEach(this.#mappings, (mapping) => this.#begin(mapping, direction), { discard: true })
      )
    }
    return this.#checkAccess(contextId).pipe(
      Effect.zipRight(normalized("path", path)),
      Effect.flatMap((normal) => this.#begin({ ...this.#mappingFor(contextId, normal), sentPath: path }, direction))
    )
  }

  items(filter: TaskFilter): ReadonlyArray<SyncItem> {
    return this.#tasks.list(filter)
  }

  /** The session's own context for file transfers, created on first use. */
  get transferContext(): Effect.Effect<TransferContext, ApiError> {
    return Effect.uninterruptible(this.#transferContextLock.withPermits(1)(this.#getTransferContext))
  }

  /** Contexts that belong to other sessions do not exist for this one. */
  #checkAccess(contextId: string): Effect.Effect<void, ApiError> {
    return Effect.flatMap(
      onDisk(async () => this.#store.get(contextId)),
      ({ isInternal }) => isInternal && contextId !== this.#transferContext?.contextId ? contextNotFound : Effect.void
    )
  }

  /** A path below a mapping follows its policy; any other gets a mapping for this copy only. */
  #mappingFor(contextId: string, path: string): Mapping {
    const found = this.#mappings.find((mapping) => mapping.contextId === contextId && isWithin(path, mapping.path))
    if (found !== undefined) {
      return { ...found, path, storedPath: found.storedPath + path.slice(found.path.length) }
    }
    const isTransfer = contextId === this.#transferContext?.contextId
    return {
      ...mappingOf({ contextId, path, policy: defaultPolicy }),
      once: isTransfer,
      recursive: !isTransfer || isWithin(path, this.#transferContext?.contextPath ?? "")
    }
  }

  /** Starts a copy in the background. */
  #begin(mapping: Mapping, direction: Direction): Effect.Effect<void> {
    return Effect.suspend(() => {
      const task = this.#tasks.add(mapping, direction)
      if (direction === "download") this.#noteDownload(mapping)
      return Effect.forkIn(this.#whileActive(this.#perform(task, mapping, direction)), this.#session.scope)
    }).pipe(Effect.map((fiber) => {
      this.#running.add(fiber)
      fiber.addObserver(() => this.#running.delete(fiber))
    }))
  }

  /** Even a download that fails or is cancelled leaves the session without what it should have got. */
  #noteDownload(mapping: Mapping): void {
    const manifest = this.#findManifest(mapping.contextId)
    manifest?.addDownload(mapping.storedPath)
    if (isArchived(mapping)) manifest?.addDownload(archivePath(mapping))
  }

  #perform(task: Task, mapping: Mapping, direction: Direction): Effect.Effect<void> {
    return Effect.suspend(() => {
      task.status = "Running"
      return this.#copy(mapping, direction)
    }).pipe(
      this.#permits.withPermits(1),
      this.#copyLock.withPermits(1),
      Effect.matchEffect({
        onFailure: (error) => this.#fail(task, explain(error)),
        onSuccess: () => Effect.sync(() => this.#tasks.succeed(task))
      }),
      Effect.onInterrupt(() => this.#fail(task, "the session ended before the copy did"))
    )
  }

  #copy(mapping: Mapping, direction: Direction): Effect.Effect<void, TransferFailure> {
    const { path } = mapping
    const isForeign = direction === "upload" && this.#foreign.has(path)
    const check = isForeign ? requireWritable(this.#files, path) : Effect.void
    const copying = Effect.flatMap(onDisk(async () => this.#store.get(mapping.contextId)), (context) => {
      this.#store.touch(context)
      const transfer = { mapping, context, manifest: this.#manifestOf(context), session: this.#name, now: this.#now }
      const start = (files: SandboxFiles) => copy({ ...transfer, files }, direction)
      return withProgress(this.#files, start, tooSlow)
    })
    const note = (error: TransferFailure) =>
      Effect.sync(() => {
        if (direction === "download" && explain(error).startsWith("EACCES: ")) this.#foreign.add(path)
      })
    return Effect.tapError(Effect.zipRight(check, copying), note)
  }

  #fail(task: Task, reason: string): Effect.Effect<void> {
    this.#tasks.fail(task, reason)
    return Effect.logWarning(`The ${task.taskType} of ${task.contextId} failed in ${this.#session.sessionId}`)
  }

  #manifestOf(context: StoredContext): Manifest {
    const known = this.#manifests.get(context) ?? new Manifest(context.files)
    this.#manifests.set(context, known)
    return known
  }

  /** A context that does not exist is told by the copy. */
  #findManifest(contextId: string): Manifest | undefined {
    const context = this.#store.peek(contextId)
    return context === undefined ? undefined : this.#manifestOf(context)
  }

  /** Keeps the session from idling while it copies. */
  #whileActive(work: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.#session.active += 1),
      () => work,
      () => Effect.sync(() => this.#session.active -= 1)
    )
  }

  /** Cancels running copies, and uploads the mappings that are saved automatically. Returns what was not saved, and why. */
  get #saveAll(): Effect.Effect<ReadonlyArray<string>> {
    return Effect.gen(this, function*() {
      yield* Fiber.interruptAll(this.#running)
      const saved = this.#mappings.filter(({ policy }) => policy.uploadPolicy.autoUpload)
        .map((mapping) => ({ mapping, task: this.#tasks.add(mapping, "upload") }))
      yield* Effect.forEach(saved, ({ mapping, task }) => this.#perform(task, mapping, "upload"), { discard: true })
        .pipe(
          Effect.interruptible,
          Effect.exit
        )
      const failed = saved.filter(({ task }) => task.status !== "Success")
      yield* Effect.forEach(
        failed.filter(({ task }) => task.status !== "Failed"),
        ({ task }) => this.#fail(task, "the session ended before it was saved"),
        { discard: true }
      )
      this.#manifests = new WeakMap()
      // Whoever has deleted a context does not miss what would have been in it.
      return failed.filter(({ task }) => task.errorMessage !== contextNotFound.message).map(({ task }) =>
        `${task.path} to ${task.contextId}: ${task.errorMessage}`
      )
    }).pipe(Effect.uninterruptible)
  }

  /** The folder may have been removed by the session, so it is created each time. */
  get #getTransferContext(): Effect.Effect<TransferContext, ApiError> {
    const contextPath = `${this.#session.sandbox.tmp}/agb_file_transfer`
    const createFolder = Effect.mapError(
      this.#files.createDirectory(contextPath),
      (error) => new ApiError({ status: 500, code: "InternalContext.Failed", message: reasonOf(error) })
    )
    return Effect.zipRight(
      createFolder,
      Effect.suspend(() => {
        const existing = this.#transferContext
        return existing === undefined ? this.#createTransferContext(contextPath) : Effect.succeed(existing)
      })
    )
  }

  #createTransferContext(contextPath: string): Effect.Effect<TransferContext, ApiError> {
    const { scope, sessionId } = this.#session
    return Effect.gen(this, function*() {
      const { id } = yield* onDisk(() => this.#store.createInternal(`file-transfer-${sessionId}`))
      yield* Scope.addFinalizer(scope, Effect.ignore(onDisk(() => this.#store.remove(id))))
      return this.#transferContext = { contextId: id, contextPath }
    })
  }
}
