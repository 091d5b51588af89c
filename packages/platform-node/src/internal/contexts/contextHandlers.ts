/** The handlers of the context endpoints. */
import type { ContextFile } from "@effect-agb/core/AgbApi"
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { ContextHandlers } from "../server/sessions/handlers.js"
import type { LocalSession } from "../server/sessions/localSession.js"
import { paginate } from "../server/sessions/pagination.js"
import type { Grant, SignedUrls } from "./signedUrls.js"
import type { StoredFile } from "./store/contextFiles.js"
import type { ContextStore, StoredContext } from "./store/contextStore.js"
import { contextNotFound, fileNotFound, onDisk } from "./store/storageFailure.js"
import { filePath, normalized } from "./sync/contextPaths.js"
import type { SessionContexts } from "./sync/sessionContexts.js"

export interface Sessions {
  /** A session, even one that is being released, or that has ended without being saved. */
  readonly find: (sessionId: string) => Effect.Effect<LocalSession, ApiError>
  /** A running session, whose idle time starts anew. */
  readonly use: (sessionId: string) => Effect.Effect<LocalSession, ApiError>
}

export interface ContextHandlerOptions {
  readonly store: ContextStore
  readonly urls: SignedUrls
  /** Scheme, host and port by which the client of the current request reaches the server. */
  readonly origin: Effect.Effect<string>
  readonly sessions: Sessions
  readonly contextsOf: (session: LocalSession) => SessionContexts
}

const urlSeconds = 3600

const maxNameLength = 255

const invalid = (message: string) => new ApiError({ status: 400, code: "InvalidParameter", message })

const iso = (millis: number): string => new Date(millis).toISOString()

const describe = ({ createTime, id, lastUsedTime, name, state }: StoredContext) => ({
  id,
  name,
  createTime: iso(createTime),
  lastUsedTime: iso(lastUsedTime),
  state
})

const validName = (name: string): Effect.Effect<string, ApiError> =>
  name.trim() === "" || name.length > maxNameLength
    ? Effect.fail(invalid(`name must be a text of 1 to ${maxNameLength} characters that is not blank`))
    : Effect.succeed(name)

const idOf = (path: string): string => `f-${Crypto.createHash("sha256").update(path).digest("hex").slice(0, 20)}`

const entry = (path: string, files: ReadonlyArray<StoredFile>, isFolder: boolean): ContextFile => ({
  fileId: idOf(path),
  fileName: path.slice(path.lastIndexOf("/") + 1),
  filePath: path,
  fileType: isFolder ? "FOLDER" : "FILE",
  gmtCreate: iso(Math.min(...files.map(({ created }) => created))),
  gmtModified: iso(Math.max(...files.map(({ modified }) => modified))),
  size: files.reduce((sum, { size }) => sum + size, 0),
  status: "available"
})

/** The direct entries of a folder, by name. A folder exists as long as it contains a file. */
const entriesOf = (files: ReadonlyArray<StoredFile>, folder: string): ReadonlyArray<ContextFile> => {
  const found = new Map<string, { readonly isFolder: boolean; readonly files: Array<StoredFile> }>()
  for (const file of files.filter(({ path }) => path.startsWith(`${folder}/`))) {
    const end = file.path.indexOf("/", folder.length + 1)
    const isFolder = end !== -1
    const key = isFolder ? file.path.slice(0, end + 1) : file.path
    const known = found.get(key)
    if (known === undefined) found.set(key, { isFolder, files: [file] })
    else known.files.push(file)
  }
  return [...found].sort(([one], [other]) => one < other ? -1 : 1).map(([key, { files, isFolder }]) =>
    entry(isFolder ? key.slice(0, -1) : key, files, isFolder)
  )
}

const contextHandlers = (store: ContextStore) => ({
  listContexts: (page) =>
    Effect.map(
      Effect.suspend(() => paginate(store.list(), page)),
      ({ items, ...page }) => ({ contexts: items.map(describe), ...page })
    ),
  getContext: ({ allowCreate = false, id = "", name = "" }) => {
    if (id.trim() === "" && name.trim() === "") return invalid("id or name must be given")
    if (id !== "" && allowCreate) return invalid("id and allowCreate exclude each other: only a name can be created")
    if (id !== "") return onDisk(async () => describe(store.get(id)))
    return Effect.flatMap(validName(name), () =>
      onDisk(async () => {
        const found = allowCreate ? await store.getOrCreate(name) : store.find(name)
        if (found === undefined) throw contextNotFound
        return describe(found)
      }))
  },
  modifyContext: ({ id, name }) => Effect.flatMap(validName(name), () => onDisk(() => store.rename(id, name))),
  deleteContext: ({ id }) => Effect.uninterruptible(onDisk(() => store.remove(id))),
  clearContext: ({ id }) =>
    Effect.flatMap(
      onDisk(async () => store.get(id)),
      () => Effect.asVoid(Effect.forkDaemon(Effect.ignoreLogged(onDisk(() => store.clear(id)))))
    )
} satisfies Partial<ContextHandlers>)

const fileHandlers = ({ origin, store, urls }: ContextHandlerOptions) => {
  const presign = (grant: Omit<Grant, "expires">) =>
    Effect.zipWith(Clock.currentTimeMillis, origin, (now, origin) => {
      const expires = Math.floor(now / 1000) + urlSeconds
      return { url: origin + urls.sign({ ...grant, expires }), expireTime: expires }
    })

  return {
    getContextFileUploadUrl: (request) =>
      Effect.gen(function*() {
        const { contextId } = request
        const path = yield* filePath("filePath", request.filePath)
        yield* onDisk(async () => store.get(contextId))
        return yield* presign({ method: "PUT", contextId, path })
      }),
    getContextFileDownloadUrl: (request) =>
      Effect.gen(function*() {
        const { contextId } = request
        const path = yield* filePath("filePath", request.filePath)
        const { files } = yield* onDisk(async () => store.get(contextId))
        if (files.find(path) === undefined) return yield* fileNotFound
        return yield* presign({ method: "GET", contextId, path })
      }),
    describeContextFiles: ({ contextId, pageNumber = 1, pageSize = 50, parentFolderPath = "" }) =>
      Effect.gen(function*() {
        const folder = yield* normalized("parentFolderPath", parentFolderPath)
        const { files } = yield* onDisk(async () => store.get(contextId))
        const entries = entriesOf(files.all(), folder)
        return { files: entries.slice((pageNumber - 1) * pageSize, pageNumber * pageSize), total: entries.length }
      }),
    deleteContextFile: (request) =>
      Effect.flatMap(
        filePath("filePath", request.filePath),
        (path) =>
          Effect.uninterruptible(Effect.asVoid(onDisk(() =>
            Promise.resolve(store.get(request.contextId)).then(({ files }) => files.remove(path))
          )))
      )
  } satisfies Partial<ContextHandlers>
}

const syncHandlers = ({ contextsOf, sessions }: ContextHandlerOptions) => ({
  syncContext: ({ contextId, mode = "upload", path, sessionId }) =>
    Effect.flatMap(sessions.use(sessionId), (session) => contextsOf(session).start({ contextId, path }, mode)),
  getContextInfo: ({ contextId, path, sessionId, taskType }) =>
    Effect.map(sessions.find(sessionId), (session) => ({
      items: contextsOf(session).items({ contextId, path, taskType })
    })),
  getAndLoadInternalContext: ({ contextTypes, sessionId }) =>
    Effect.flatMap(sessions.use(sessionId), (session) =>
      contextTypes.includes("file_transfer")
        ? Effect.map(
          contextsOf(session).transferContext,
          (found) => [{ ...found, contextType: "file_transfer" }]
        )
        : Effect.succeed([]))
} satisfies Partial<ContextHandlers>)

export const make = (options: ContextHandlerOptions): ContextHandlers => ({
  ...contextHandlers(options.store),
  ...fileHandlers(options),
  ...syncHandlers(options)
})
