/** Contexts in memory: their files, presigned URLs, and copies to and from the files of sessions, which end at once. */
import { type AgbApi, AgbServer } from "@effect-agb/core"
import type { HttpClientRequest } from "@effect/platform"
import { Clock, Effect, Stream } from "effect"
import type { Files } from "./fakeFiles.js"
import type { MemoryReply } from "./memoryHttp.js"

interface FakeContext {
  readonly id: string
  name: string
  clearedAt: number
  readonly files: Map<string, Buffer>
}

interface Session {
  readonly sessionId: string
  readonly files: () => Files
}

type Mapping = AgbApi.PersistenceData

type Mode = "upload" | "download"

export const storageHost = "storage.example"

/** Part of every presigned URL. */
export const signature = "signature-secret-51e7"

const notFound = new AgbServer.ApiError({ status: 404, code: "InvalidContext.NotFound", message: "no such context" })

const missing = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"

const text = (status: number, body: string): MemoryReply => ({ status, headers: {}, body })

const bytesOf = ({ body }: HttpClientRequest.HttpClientRequest): Effect.Effect<Buffer, unknown> => {
  if (body._tag === "Uint8Array") return Effect.succeed(Buffer.from(body.body))
  if (body._tag !== "Stream") return Effect.succeed(Buffer.alloc(0))
  return Effect.map(Stream.runCollect(body.stream), (chunks) => Buffer.concat([...chunks]))
}

const normal = (path: string): string =>
  path.split("/").filter((part) => part !== "").map((part) => `/${part}`).join("")

const clearingMillis = 1000

export class FakeContexts {
  readonly #contexts = new Map<string, FakeContext>()
  readonly #mappings = new Map<string, ReadonlyArray<Mapping>>()
  readonly #items = new Map<string, Array<AgbApi.SyncItem>>()
  #serial = 0
  /** What the next copies of a mode end with; by default they work. */
  outcome: (mode: Mode) => "Success" | "Failed" | "silent" = () => "Success"
  /** Where presigned URLs lead to. */
  origin = `https://${storageHost}`
  /** Answers of the storage that come before its own. `undefined` is a connection that breaks. */
  readonly answers: Array<MemoryReply | undefined> = []
  /** How often the storage was asked. */
  served = 0

  #get(id: string): Effect.Effect<FakeContext, AgbServer.ApiError> {
    const context = this.#contexts.get(id)
    return context === undefined ? notFound : Effect.succeed(context)
  }

  mount(session: Session, mappings: ReadonlyArray<Mapping>, now: number): void {
    this.#mappings.set(session.sessionId, mappings)
    const wanted = mappings.filter(({ policy }) => policy?.downloadPolicy.autoDownload !== false)
    for (const mapping of wanted) this.#copy(session, mapping, "download", now)
  }

  release(session: Session, now: number): void {
    const mappings = this.#mappings.get(session.sessionId) ?? []
    const wanted = mappings.filter(({ policy }) => policy?.uploadPolicy.autoUpload !== false)
    for (const mapping of wanted) this.#copy(session, mapping, "upload", now)
  }

  #copy(session: Session, { contextId, path }: Mapping, taskType: Mode, now: number): void {
    const outcome = this.outcome(taskType)
    if (outcome === "silent") return
    const context = this.#contexts.get(contextId)
    const status = context === undefined ? "Failed" : outcome
    if (status === "Success" && context !== undefined) {
      const from = taskType === "upload" ? session.files().below(path) : context.files
      for (const [name, bytes] of from) {
        if (taskType === "upload") context.files.set(name, bytes)
        else if (name.startsWith(`${normal(path)}/`)) session.files().put(name, bytes)
      }
    }
    const seconds = Math.floor(now / 1000) + 1
    const errorMessage = status === "Failed" ? "the copy failed" : ""
    const item = { contextId, path, taskType, status, errorMessage, startTime: seconds, finishTime: seconds }
    const others = (this.#items.get(session.sessionId) ?? []).filter((one) =>
      one.contextId !== contextId || one.path !== path || one.taskType !== taskType
    )
    this.#items.set(session.sessionId, [...others, item])
  }

  readonly handlers = (
    find: (sessionId: string) => Effect.Effect<Session, AgbServer.ApiError>
  ): Partial<AgbServer.Handlers> => ({
    ...this.#management,
    ...this.#files,
    syncContext: ({ contextId, mode = "upload", path, sessionId }) =>
      Effect.zipWith(find(sessionId), Clock.currentTimeMillis, (session, now) => {
        const mappings = this.#mappings.get(sessionId) ?? []
        const chosen = contextId === undefined ? mappings : [{ contextId, path: path ?? "/" }]
        for (const mapping of chosen) this.#copy(session, mapping, mode, now)
      }),
    getContextInfo: ({ contextId, sessionId }) =>
      Effect.map(find(sessionId), () => ({
        items: (this.#items.get(sessionId) ?? []).filter((item) =>
          contextId === undefined || item.contextId === contextId
        )
      }))
  })

  readonly #management: Partial<AgbServer.Handlers> = {
    listContexts: ({ maxResults = 10, nextToken = "0" }) =>
      Effect.sync(() => {
        const all = [...this.#contexts.values()]
        const end = Number(nextToken) + maxResults
        return {
          contexts: all.slice(Number(nextToken), end).map(({ id, name }) => ({ id, name, state: "available" })),
          nextToken: end < all.length ? String(end) : ""
        }
      }),
    getContext: ({ allowCreate = false, id, name = "" }) =>
      Effect.gen(this, function*() {
        const now = yield* Clock.currentTimeMillis
        const named = [...this.#contexts.values()].find((context) => context.name === name)
        const found = id !== undefined ? yield* this.#get(id) : named
        if (found === undefined && !allowCreate) return yield* notFound
        const context = found ?? { id: `SdkCtx-${this.#serial += 1}`, name, clearedAt: 0, files: new Map() }
        this.#contexts.set(context.id, context)
        const state = now < context.clearedAt ? "clearing" : "available"
        return { id: context.id, name: context.name, state, createTime: "2026-01-01T00:00:00Z" }
      }),
    modifyContext: ({ id, name }) =>
      Effect.map(this.#get(id), (context) => {
        context.name = name
      }),
    deleteContext: ({ id }) => Effect.map(this.#get(id), () => void this.#contexts.delete(id)),
    clearContext: ({ id }) =>
      Effect.zipWith(this.#get(id), Clock.currentTimeMillis, (context, now) => {
        context.files.clear()
        context.clearedAt = now + clearingMillis
      })
  }

  readonly #files: Partial<AgbServer.Handlers> = {
    getContextFileUploadUrl: ({ contextId, filePath }) => this.#url("PUT", contextId, filePath),
    getContextFileDownloadUrl: ({ contextId, filePath }) => this.#url("GET", contextId, filePath),
    describeContextFiles: ({ contextId, pageNumber = 1, pageSize = 50, parentFolderPath = "" }) =>
      Effect.map(this.#get(contextId), ({ files }) => {
        const folder = `${normal(parentFolderPath)}/`
        const names = [...files.keys()].filter((path) => path.startsWith(folder))
        const entries = [...new Set(names.map((path) => path.slice(folder.length).replace(/\/.*$/s, "/")))].sort()
        const page = entries.slice((pageNumber - 1) * pageSize, pageNumber * pageSize)
        const entry = (name: string) => ({
          fileName: name.replace("/", ""),
          filePath: folder + name.replace("/", ""),
          fileType: name.endsWith("/") ? "FOLDER" : "FILE",
          size: files.get(folder + name)?.length ?? 0
        })
        return { files: page.map(entry), total: entries.length }
      }),
    deleteContextFile: ({ contextId, filePath }) =>
      Effect.map(this.#get(contextId), ({ files }) => void files.delete(normal(filePath)))
  }

  /** As object stores do: whether there is such a file shows only when it is fetched. */
  #url(method: string, contextId: string, path: string) {
    const query = new URLSearchParams({ method, path: normal(path), signature })
    return Effect.map(this.#get(contextId), () => ({ url: `${this.origin}/${contextId}?${query}` }))
  }

  /** Serves a presigned URL, which is signed for a request without a key and without a content type. */
  serve(request: HttpClientRequest.HttpClientRequest, url: URL): Effect.Effect<MemoryReply | undefined> {
    const { headers, method } = request
    this.served += 1
    if (this.answers.length > 0) return Effect.as(Effect.ignore(bytesOf(request)), this.answers.shift())
    const files = this.#contexts.get(url.pathname.slice(1))?.files
    const path = url.searchParams.get("path") ?? ""
    const isSigned = url.searchParams.get("signature") === signature && url.searchParams.get("method") === method
    const isPlain = headers["authorization"] === undefined && headers["content-type"] === undefined
    if (files === undefined || !isSigned || !isPlain) {
      return Effect.succeed(text(403, `<Error><Code>SignatureDoesNotMatch</Code><Url>${url.href}</Url></Error>`))
    }
    if (method === "GET") {
      const bytes = files.get(path)
      return Effect.succeed(bytes === undefined ? text(404, missing) : { ...text(200, ""), bytes })
    }
    return Effect.match(bytesOf(request), {
      onSuccess: (bytes) => {
        files.set(path, bytes)
        return text(200, "")
      },
      onFailure: () => undefined
    })
  }
}
