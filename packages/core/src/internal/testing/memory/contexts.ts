/** Contexts in memory: their files, presigned URLs, and copies to and from the files of sessions, which end at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as AgbApi from "../../../AgbApi.js"
import { ApiError, type Handlers } from "../../../AgbServer.js"
import type { Transfer, TransferReply } from "../../client/transport/exchange.js"
import { concat } from "../../wire/text/bytes.js"
import * as files from "./files.js"
import type { FileTree } from "./fileTree.js"
import { secrets, storageOrigin } from "./secrets.js"

interface MemoryContext {
  readonly id: string
  name: string
  clearedAt: number
  readonly files: Map<string, Uint8Array>
}

interface Owner {
  readonly sessionId: string
  readonly tree: FileTree
}

type Mapping = AgbApi.PersistenceData

/** A copy between a context and the directory of a session. */
export interface ContextCopy {
  readonly sessionId: string
  readonly contextId: string
  readonly path: string
  readonly mode: "upload" | "download"
}

/** How a copy ends. `Silent`: the server never says. */
export type ContextCopyOutcome = "Success" | "Failed" | "Silent"

export interface ContextsOptions {
  readonly outcome: (copy: ContextCopy) => ContextCopyOutcome
}

const notFound = new ApiError({ status: 404, code: "InvalidContext.NotFound", message: "no such context" })

export const textReply = (status: number, body: string, headers: TransferReply["headers"] = {}): TransferReply =>
  bytesReply(status, new TextEncoder().encode(body), headers)

export const bytesReply = (
  status: number,
  bytes: Uint8Array,
  headers: TransferReply["headers"] = {}
): TransferReply => ({
  status,
  headers: { "content-length": String(bytes.length), ...headers },
  body: bytes.length === 0 ? Stream.empty : Stream.succeed(bytes)
})

/** All that is sent. */
export const contentOf = <E>({ body }: Transfer<E>): Effect.Effect<Uint8Array, E> => {
  if (body === undefined) return Effect.succeed(new Uint8Array())
  return body._tag === "Bytes" ? Effect.succeed(body.bytes.slice()) : Effect.map(
    Stream.runFold(body.stream, [] as Array<Uint8Array>, (pieces, bytes) => {
      pieces.push(bytes.slice())
      return pieces
    }),
    concat
  )
}

/** Without slashes at its end. */
const normal = (path: string): string =>
  path.split("/").filter((part) => part !== "").map((part) => `/${part}`).join("")

const clearingMillis = 1000

export class MemoryContexts {
  readonly #contexts = new Map<string, MemoryContext>()
  readonly #mappings = new Map<string, ReadonlyArray<Mapping>>()
  readonly #items = new Map<string, Array<AgbApi.SyncItem>>()
  readonly #options: ContextsOptions
  #serial = 0

  constructor(options: ContextsOptions) {
    this.#options = options
  }

  #get(id: string): Effect.Effect<MemoryContext, ApiError> {
    const context = this.#contexts.get(id)
    return context === undefined ? notFound : Effect.succeed(context)
  }

  mount(owner: Owner, mappings: ReadonlyArray<Mapping>, now: number): void {
    this.#mappings.set(owner.sessionId, mappings)
    const wanted = mappings.filter(({ policy }) => policy?.downloadPolicy.autoDownload !== false)
    for (const mapping of wanted) this.#copy(owner, mapping, "download", now)
  }

  release(owner: Owner, now: number): void {
    const mappings = this.#mappings.get(owner.sessionId) ?? []
    const wanted = mappings.filter(({ policy }) => policy?.uploadPolicy.autoUpload !== false)
    for (const mapping of wanted) this.#copy(owner, mapping, "upload", now)
  }

  #copy({ sessionId, tree }: Owner, { contextId, path }: Mapping, mode: ContextCopy["mode"], now: number): void {
    const outcome = this.#options.outcome({ sessionId, contextId, path, mode })
    if (outcome === "Silent") return
    const context = this.#contexts.get(contextId)
    const status = context === undefined ? "Failed" : outcome
    if (status === "Success" && context !== undefined) {
      if (mode === "upload") {
        for (const name of files.pathsBelow(tree, path)) context.files.set(name, tree.file(name))
      } else {
        const wanted = [...context.files].filter(([name]) => name.startsWith(`${normal(path)}/`))
        for (const [name, bytes] of wanted) files.write(tree, name, bytes, now)
      }
    }
    const seconds = Math.floor(now / 1000) + 1
    const errorMessage = status === "Failed" ? "the copy failed" : ""
    const item = { contextId, path, taskType: mode, status, errorMessage, startTime: seconds, finishTime: seconds }
    const others = (this.#items.get(sessionId) ?? []).filter((one) =>
      one.contextId !== contextId || one.path !== path || one.taskType !== mode
    )
    this.#items.set(sessionId, [...others, item])
  }

  readonly handlers = (find: (sessionId: string) => Effect.Effect<Owner, ApiError>): Partial<Handlers> => ({
    ...this.#management,
    ...this.#files,
    syncContext: ({ contextId, mode = "upload", path, sessionId }) =>
      Effect.zipWith(find(sessionId), Clock.currentTimeMillis, (owner, now) => {
        const mappings = this.#mappings.get(sessionId) ?? []
        const chosen = contextId === undefined ? mappings : [{ contextId, path: path ?? "/" }]
        for (const mapping of chosen) this.#copy(owner, mapping, mode, now)
      }),
    getContextInfo: ({ contextId, sessionId }) =>
      Effect.map(find(sessionId), () => ({
        items: (this.#items.get(sessionId) ?? []).filter((item) =>
          contextId === undefined || item.contextId === contextId
        )
      }))
  })

  readonly #management: Partial<Handlers> = {
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

  readonly #files: Partial<Handlers> = {
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
    const query = new URLSearchParams({ method, path: normal(path), signature: secrets.signature })
    return Effect.map(this.#get(contextId), () => ({ url: `${storageOrigin}/${contextId}?${query}` }))
  }

  /** Serves a presigned URL, which is signed for a request without a key and without a content type. */
  serve<E>(request: Transfer<E>): Effect.Effect<TransferReply, E> {
    const { headers = {}, method } = request
    const url = new URL(request.url)
    const files = this.#contexts.get(url.pathname.slice(1))?.files
    const path = url.searchParams.get("path") ?? ""
    const { searchParams: query } = url
    const isSigned = query.get("signature") === secrets.signature && query.get("method") === method
    const isPlain = headers["authorization"] === undefined && headers["content-type"] === undefined
    if (files === undefined || !isSigned || !isPlain) {
      return Effect.succeed(textReply(403, `<Error><Code>SignatureDoesNotMatch</Code><Url>${url.href}</Url></Error>`))
    }
    if (method === "GET") {
      const bytes = files.get(path)
      return Effect.succeed(
        bytes === undefined
          ? textReply(404, "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
          : bytesReply(200, bytes)
      )
    }
    return Effect.map(contentOf(request), (bytes) => {
      files.set(path, bytes)
      return textReply(200, "")
    })
  }
}
