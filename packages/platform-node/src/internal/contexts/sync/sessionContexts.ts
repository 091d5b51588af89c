/**
 * The contexts of one session: which directories map to which, and how their copies stand. Copies of a session run one
 * after the other and end with it.
 */
import { type PersistenceData, type SyncItem, SyncPolicy } from "@effect-agb/core/AgbApi"
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { LocalSession } from "../../server/sessions/registry.js"
import type { ContextStore, StoredContext } from "../store/contextStore.js"
import { contextNotFound, onDisk } from "../store/storageFailure.js"
import { archivePath, extractArchive, isArchived, uploadArchive } from "./archiving.js"
import { isWithin, normalized, tidy } from "./contextPaths.js"
import { download } from "./downloading.js"
import { reasonOf, sandboxFiles } from "./sandboxFiles.js"
import { explain, type Mapping, type Shared, type Transfer, type TransferFailure } from "./transfer.js"
import { found, upload } from "./uploading.js"

export type Mode = "upload" | "download"

export interface SyncFilter {
  readonly contextId?: string | undefined
  readonly path?: string | undefined
  readonly taskType?: string | undefined
}

export interface SessionContexts {
  /** Maps directories and starts their downloads; at its release the session uploads them. */
  readonly attach: (list: ReadonlyArray<PersistenceData>) => Effect.Effect<void>
  /** Starts a copy; without context and path, one of each mapping. */
  readonly start: (target: SyncFilter, mode: Mode) => Effect.Effect<void, ApiError>
  readonly items: (filter: SyncFilter) => ReadonlyArray<SyncItem>
  /** The session's own context for transfers, made when it is first asked for. */
  readonly transferContext: Effect.Effect<{ readonly contextId: string; readonly contextPath: string }, ApiError>
}

export interface SessionContextsOptions {
  readonly session: LocalSession
  readonly store: ContextStore
  /** How many sessions copy at the same time. */
  readonly permits: Effect.Semaphore
  readonly now: () => number
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

type Task = Mutable<Required<SyncItem>>

const transferLimit = "10 minutes"

const mostTasks = 1000

const defaultPolicy = Schema.decodeSync(SyncPolicy)({})

const needsBoth = new ApiError({
  status: 400,
  code: "InvalidParameter",
  message: "contextId and path must be given together or not at all"
})

const timedOut = new ApiError({
  status: 504,
  code: "Sync.Timeout",
  message: `the copy was not finished after ${transferLimit}`
})

const mappingOf = ({ contextId, path, policy = defaultPolicy }: PersistenceData): Mapping => {
  const storedPath = tidy(policy.mappingPolicy?.path ?? path)
  return { contextId, path: tidy(path), storedPath, base: storedPath, policy, recursive: true, once: false }
}

const keyOf = (mapping: Mapping, mode: Mode): string => JSON.stringify([mapping.contextId, mapping.path, mode])

/** What is empty filters nothing, as it names nothing to `start`. */
const matches = ({ contextId = "", path = "", taskType = "" }: SyncFilter) => (task: Task): boolean =>
  (contextId === "" || contextId === task.contextId) &&
  (path === "" || tidy(path) === tidy(task.path)) &&
  (taskType === "" || taskType === task.taskType)

const isOver = ({ status }: Task): boolean => status === "Success" || status === "Failed"

/** A part of an archived mapping is the archive of all of it. */
const wholeOf = (transfer: Transfer): Transfer => {
  const { mapping } = transfer
  const path = mapping.path.slice(0, mapping.path.length - (mapping.storedPath.length - mapping.base.length))
  return { ...transfer, mapping: { ...mapping, path, storedPath: mapping.base } }
}

const uploading = (given: Transfer): Effect.Effect<void, TransferFailure> => {
  const isOne = isArchived(given.mapping)
  const transfer = isOne ? wholeOf(given) : given
  return Effect.flatMap(found(transfer), (files) => isOne ? uploadArchive(transfer, files) : upload(transfer, files))
}

/** The archive itself, beside the directory. */
const asItIs = ({ mapping }: Transfer): Mapping => {
  const stored = archivePath(mapping)
  const policy = { ...mapping.policy, bwList: { whiteLists: [] } }
  return { ...mapping, path: `${mapping.path}.tar`, storedPath: stored, base: stored, policy }
}

const downloading = (given: Transfer): Effect.Effect<void, TransferFailure> => {
  const whole = wholeOf(given)
  const archive = isArchived(given.mapping) ? given.context.files.find(archivePath(given.mapping)) : undefined
  if (archive === undefined) return download(given)
  return Effect.zipRight(
    download(given),
    given.mapping.policy.extractPolicy.extract
      ? extractArchive(whole, archive)
      : download({ ...whole, mapping: asItIs(whole) })
  )
}

export const make = ({ now, permits, session, store }: SessionContextsOptions): SessionContexts => {
  const mappings: Array<Mapping> = []
  const tasks = new Map<string, Task>()
  const shared = new Map<string, Map<string, Shared>>()
  const running = new Set<Fiber.RuntimeFiber<void>>()
  const oneByOne = Effect.unsafeMakeSemaphore(1)
  const files = sandboxFiles(session.sandbox)
  let internal: { readonly contextId: string; readonly contextPath: string } | undefined

  const seconds = () => Math.floor(now() / 1000)

  const sharedOf = (contextId: string): Map<string, Shared> => {
    const known = shared.get(contextId) ?? new Map<string, Shared>()
    shared.set(contextId, known)
    return known
  }

  const copy = (mapping: Mapping, mode: Mode): Effect.Effect<void, TransferFailure> =>
    Effect.flatMap(onDisk(async () => store.get(mapping.contextId)), (context) => {
      store.touch(context)
      const transfer = { mapping, context, files, shared: sharedOf(mapping.contextId), now }
      return mode === "upload" ? uploading(transfer) : downloading(transfer)
    })

  const announce = (mapping: Mapping, mode: Mode, path: string): Task => {
    const task: Task = {
      contextId: mapping.contextId,
      path,
      errorMessage: "",
      status: "Preparing",
      startTime: seconds(),
      finishTime: 0,
      taskType: mode
    }
    tasks.delete(keyOf(mapping, mode))
    tasks.set(keyOf(mapping, mode), task)
    if (tasks.size > mostTasks) forgetOldest()
    return task
  }

  const forgetOldest = () => {
    for (const [key, task] of tasks) if (isOver(task)) return tasks.delete(key)
    return false
  }

  const settle = (task: Task, errorMessage: string) =>
    Effect.sync(() => {
      task.status = errorMessage === "" ? "Success" : "Failed"
      task.errorMessage = errorMessage
      task.finishTime = seconds()
    })

  const failed = (task: Task, reason: string) =>
    Effect.zipRight(
      settle(task, reason),
      Effect.logWarning(`The ${task.taskType} of ${task.contextId} failed in ${session.sessionId}`)
    )

  const perform = (task: Task, mapping: Mapping, mode: Mode): Effect.Effect<void> =>
    Effect.suspend(() => {
      task.status = "Running"
      return copy(mapping, mode)
    }).pipe(
      permits.withPermits(1),
      oneByOne.withPermits(1),
      Effect.timeoutFail({ duration: transferLimit, onTimeout: () => timedOut }),
      Effect.matchEffect({
        onFailure: (error) => failed(task, explain(error)),
        onSuccess: () => settle(task, "")
      }),
      Effect.onInterrupt(() => settle(task, "the session ended before the copy did"))
    )

  const atWork = (work: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.acquireUseRelease(
      Effect.sync(() => session.active += 1),
      () => work,
      () => Effect.sync(() => session.active -= 1)
    )

  const begin = (mapping: Mapping, mode: Mode, path: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const task = announce(mapping, mode, path)
      return Effect.forkIn(atWork(perform(task, mapping, mode)), session.scope)
    }).pipe(Effect.map((fiber) => {
      running.add(fiber)
      fiber.addObserver(() => running.delete(fiber))
    }))

  const known = (contextId: string): Effect.Effect<StoredContext, ApiError> =>
    Effect.flatMap(
      onDisk(async () => store.get(contextId)),
      (context) => context.isInternal && contextId !== internal?.contextId ? contextNotFound : Effect.succeed(context)
    )

  /** A path below a mapping follows its policy; any other is mapped for this once. */
  const mappingFor = (contextId: string, path: string): Mapping => {
    const found = mappings.find((mapping) => mapping.contextId === contextId && isWithin(path, mapping.path))
    if (found !== undefined) {
      return { ...found, path, storedPath: found.storedPath + path.slice(found.path.length) }
    }
    const isInternal = contextId === internal?.contextId
    return {
      ...mappingOf({ contextId, path, policy: defaultPolicy }),
      once: isInternal,
      recursive: !isInternal || isWithin(path, internal?.contextPath ?? "")
    }
  }

  const start: SessionContexts["start"] = ({ contextId = "", path = "" }, mode) =>
    Effect.gen(function*() {
      if ((contextId === "") !== (path === "")) return yield* needsBoth
      if (contextId === "") {
        return yield* Effect.forEach(mappings, (mapping) => begin(mapping, mode, mapping.path), { discard: true })
      }
      yield* known(contextId)
      const normal = yield* normalized("path", path)
      yield* begin(mappingFor(contextId, normal), mode, path)
    })

  const uploadAll = Effect.suspend(() =>
    Effect.zipRight(
      Fiber.interruptAll(running),
      Effect.forEach(
        mappings.filter(({ policy }) => policy.uploadPolicy.autoUpload),
        (mapping) => perform(announce(mapping, "upload", mapping.path), mapping, "upload"),
        { discard: true }
      )
    )
  )

  const attach: SessionContexts["attach"] = (list) =>
    Effect.suspend(() => {
      const added = list.map(mappingOf)
      mappings.push(...added)
      if (added.length > 0) session.beforeRelease.push(uploadAll)
      return Effect.forEach(
        added.filter(({ policy }) => policy.downloadPolicy.autoDownload),
        (mapping) => begin(mapping, "download", mapping.path),
        { discard: true }
      )
    })

  const createTransferContext = Effect.gen(function*() {
    const contextPath = `${session.sandbox.tmp}/agb_file_transfer`
    yield* files.createDirectory(contextPath).pipe(
      Effect.mapError((error) =>
        new ApiError({ status: 500, code: "InternalContext.Failed", message: reasonOf(error) })
      )
    )
    if (internal !== undefined) return internal
    const { id } = yield* onDisk(() => store.createInternal(`file-transfer-${session.sessionId}`))
    yield* Scope.addFinalizer(session.scope, Effect.ignore(onDisk(() => store.remove(id))))
    internal = { contextId: id, contextPath }
    return internal
  })

  const onlyOnce = Effect.unsafeMakeSemaphore(1)

  return {
    attach,
    start,
    items: (filter) => [...tasks.values()].filter(matches(filter)),
    transferContext: Effect.uninterruptible(onlyOnce.withPermits(1)(createTransferContext))
  }
}
