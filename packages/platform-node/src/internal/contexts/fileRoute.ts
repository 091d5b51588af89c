/** The route of presigned URLs: uploads and downloads of context files, streamed with bounded memory. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { FileHandle } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Exchange, Route } from "../server/http/exchange.js"
import { etagOf, expectedDigest, honoursRange, permits, validatorsOf } from "./preconditions.js"
import { type Grant, routePrefix, type SignedUrls } from "./signedUrls.js"
import { bufferBytes, releaseBuffer, takeBuffer } from "./store/buffers.js"
import type { StoredFile } from "./store/contextFiles.js"
import type { ContextStore } from "./store/contextStore.js"
import { fileNotFound, onDisk, preconditionFailed } from "./store/storageFailure.js"

const denials = {
  malformed: new ApiError({ status: 400, code: "InvalidUrl", message: "this is not the URL of a context file" }),
  forbidden: new ApiError({
    status: 403,
    code: "SignatureDoesNotMatch",
    message: "this URL was made for another file or another method, or by another runtime"
  }),
  expired: new ApiError({ status: 403, code: "AccessDenied.Expired", message: "this URL has expired" })
}

const incompleteBody = new ApiError({
  status: 400,
  code: "IncompleteBody",
  message: "the content ended before its time"
})

const badRange = (size: number) =>
  new ApiError({ status: 416, code: "InvalidRange", message: `the file has ${size} bytes` })

const compressedBody = new ApiError({
  status: 415,
  code: "UnsupportedEncoding",
  message: "content is stored as it comes, without a Content-Encoding"
})

const partialBody = new ApiError({
  status: 400,
  code: "InvalidRequest",
  message: "a file is replaced as a whole: a part of it, with Content-Range, cannot be put"
})

/** Stores the whole body or nothing: an aborted upload leaves no file. */
const receive = async (store: ContextStore, { contextId, path }: Grant, request: IncomingMessage) => {
  const context = store.get(contextId)
  const digest = expectedDigest(request.headers)
  const staged = await context.files.stage()
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      digest?.update(piece as Buffer)
      await staged.file.write(piece as Buffer)
    }
    if (!request.complete) throw incompleteBody
    digest?.verify()
  } catch (error) {
    await staged.file.abort()
    throw request.destroyed && !(error instanceof ApiError) ? incompleteBody : error
  }
  const mayReplace = (current: StoredFile | undefined) => permits(request.headers, current, "PUT") === "allowed"
  const stored = await context.files.put(path, staged, { mayReplace })
  store.touch(context)
  return stored
}

const upload = (store: ContextStore, grant: Grant, { request, response }: Exchange) =>
  Effect.gen(function*() {
    if ((request.headers["content-encoding"] ?? "identity") !== "identity") return yield* compressedBody
    if (request.headers["content-range"] !== undefined) return yield* partialBody
    yield* onDisk(async () => {
      const { files } = store.get(grant.contextId)
      expectedDigest(request.headers)
      if (permits(request.headers, files.find(grant.path), "PUT") !== "allowed") throw preconditionFailed
      files.checkRoom(Number(request.headers["content-length"] ?? 0))
    })
    if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue()
    const stored = yield* onDisk(() => receive(store, grant, request))
    if (response.destroyed) return
    response.writeHead(200, { etag: etagOf(stored), "content-length": 0 })
    response.end()
  })

interface Range {
  readonly start: number
  readonly end: number
}

/** Supports a single range (RFC 9110, 14.2); any other header value means the whole file. */
const rangeOf = (header: string | undefined, size: number): Range | "whole" | "outside" => {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/i.exec(header ?? "") ?? []
  if (from === "" && to === "" || from !== "" && to !== "" && Number(to) < Number(from)) return "whole"
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1)
  return start > end || start >= size ? "outside" : { start, end }
}

const headersOf = (file: StoredFile, range: Range, isPart: boolean) => ({
  "content-type": "application/octet-stream",
  "content-length": range.end - range.start + 1,
  "accept-ranges": "bytes",
  ...validatorsOf(file),
  ...(isPart ? { "content-range": `bytes ${range.start}-${range.end}/${file.size}` } : {})
})

/** Resolves when the bytes have been handed to the kernel. */
const send = (response: ServerResponse, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    if (response.destroyed) return reject(new Error("the client is gone"))
    response.once("close", reject)
    response.write(bytes, (error) => {
      response.off("close", reject)
      if (error) reject(error)
      else resolve()
    })
  })

/** Sends a range of a file, reading the next chunk while one is being sent. */
const sendRange = async (handle: FileHandle, { end, start }: Range, response: ServerResponse) => {
  const buffers = [takeBuffer(), takeBuffer()] as const
  const read = (at: number, turn: number) =>
    handle.read(buffers[turn % 2 === 0 ? 0 : 1], 0, Math.min(bufferBytes, end + 1 - at), at)
  let next = read(start, 0)
  for (let [at, turn] = [start, 0]; at <= end; turn++) {
    const { buffer, bytesRead } = await next
    if (bytesRead === 0) throw fileNotFound
    at += bytesRead
    if (at <= end) next = read(at, turn + 1)
    await send(response, buffer.subarray(0, bytesRead))
  }
  response.end()
  buffers.forEach(releaseBuffer)
}

const download = (store: ContextStore, { contextId, path }: Grant, { request, response }: Exchange) =>
  Effect.scoped(Effect.gen(function*() {
    const { file, handle } = yield* Effect.acquireRelease(
      onDisk(async () => {
        const { files } = store.get(contextId)
        const file = files.find(path)
        if (file === undefined) throw fileNotFound
        return { file, handle: await files.read(file) }
      }),
      ({ handle }) => Effect.promise(() => handle.close().catch(() => {}))
    )
    const permitted = permits(request.headers, file, "GET")
    if (permitted === "failed") return yield* preconditionFailed
    if (permitted === "not modified") {
      response.writeHead(304, validatorsOf(file))
      return void response.end()
    }
    const range = honoursRange(request.headers, file) ? rangeOf(request.headers.range, file.size) : "whole"
    if (range === "outside") {
      response.setHeader("content-range", `bytes */${file.size}`)
      return yield* badRange(file.size)
    }
    const part = range === "whole" ? { start: 0, end: file.size - 1 } : range
    response.writeHead(range === "whole" ? 200 : 206, headersOf(file, part, range !== "whole"))
    // Nothing can be sent to a client that has disconnected.
    yield* Effect.ignore(onDisk(() => sendRange(handle, part, response)))
  }))

export const make = (store: ContextStore, urls: SignedUrls): Route => ({
  matches: (_method, path) => path.startsWith(routePrefix),
  name: (method) => method === "PUT" ? "upload" : method === "GET" ? "download" : "contexts",
  endsOnDisconnect: () => true,
  handle: (exchange) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const grant = urls.verify(exchange.method, exchange.path, exchange.query, now)
      if (typeof grant === "string") return denials[grant]
      exchange.authenticated()
      return grant.method === "PUT" ? upload(store, grant, exchange) : download(store, grant, exchange)
    })
})
