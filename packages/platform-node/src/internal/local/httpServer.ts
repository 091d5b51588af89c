/**
 * The wire over HTTP on a loopback address: `node:http` with one fiber per request. Who has no token, comes from a
 * browser page or speaks too much or too slowly gets no further than this file.
 */
import { type HttpReply, type HttpRequest, Refusal, refuse } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { releaseServer } from "../liveness.js"

/**
 * The server could not listen, for example because its port is taken. `code` is the system's.
 */
export class LocalServerError extends Schema.TaggedError<LocalServerError>()("LocalServerError", {
  port: Schema.Number,
  code: Schema.String
}) {
  override get message(): string {
    return `The local runtime cannot listen on 127.0.0.1:${this.port} (${this.code}); choose another port, or 0 for any`
  }
}

export interface HttpServerOptions {
  readonly port: number
  readonly apiKey: string
  readonly maxBodyBytes: number
  readonly answer: (request: HttpRequest) => Effect.Effect<HttpReply>
  /** Whether the work of a request ends when its client is gone. */
  readonly endsWithClient: (path: string) => boolean
}

const host = "127.0.0.1"

const refusal = (status: number, code: string, message: string) => new Refusal({ status, code, message })

/** Not `URL`: it throws on targets that any client can send. */
const targetOf = (url = "/"): { readonly path: string; readonly query: URLSearchParams } => {
  const mark = url.indexOf("?")
  return mark === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}

const digest = (text: string): Buffer => Crypto.createHash("sha256").update(text).digest()

/** Refuses what is not for us: another host name (DNS rebinding), any browser page, a missing or wrong token. */
const makeGate = (apiKey: string, port: number) => {
  const hosts = new Set([host, "localhost", "[::1]"].map((name) => `${name}:${port}`))
  const key = digest(`Bearer ${apiKey}`)
  return ({ headers }: Http.IncomingMessage): Refusal | undefined => {
    if (!hosts.has(headers.host?.toLowerCase() ?? "")) {
      return refusal(403, "Forbidden.Host", "the Host header must name this loopback server")
    }
    if (headers.origin !== undefined) return refusal(403, "Forbidden.Origin", "browser pages are not served")
    if (!Crypto.timingSafeEqual(key, digest(headers.authorization ?? ""))) {
      return refusal(401, "InvalidApiKey", "The API key is missing or invalid.")
    }
    return undefined
  }
}

const send = (response: Http.ServerResponse, { body, requestId, status }: HttpReply): void => {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-request-id": requestId
  })
  response.end(body)
}

const tooLarge = (limit: number) => refusal(413, "RequestTooLarge", `the body is larger than ${limit} bytes`)

/** The body as text, or a refusal; what is too large is not read to its end. */
const readBody = (request: Http.IncomingMessage, limit: number): Effect.Effect<string, Refusal> =>
  Effect.async((resume) => {
    if (request.headers["content-encoding"] !== undefined) {
      return resume(Effect.fail(refusal(415, "UnsupportedEncoding", "bodies are not decompressed")))
    }
    const chunks: Array<Buffer> = []
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) return chunks.push(chunk)
      request.pause()
      resume(Effect.fail(tooLarge(limit)))
    })
    request.on("end", () => resume(Effect.sync(() => Buffer.concat(chunks, size).toString("utf8"))))
    request.on("error", () => resume(Effect.interrupt))
  })

const listen = (server: Http.Server, port: number): Effect.Effect<number, LocalServerError> =>
  Effect.async((resume) => {
    server.once(
      "error",
      (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(new LocalServerError({ port, code: error.code ?? "unknown" })))
    )
    server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

/** Ends with the scope: no new request is taken, those in flight are interrupted and every connection is cut. */
export const serve = (
  options: HttpServerOptions
): Effect.Effect<{ readonly port: number }, LocalServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const fork = yield* FiberSet.makeRuntime<never>()
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        Http.createServer({
          headersTimeout: 10_000,
          requestTimeout: 60_000,
          keepAliveTimeout: 30_000,
          maxHeaderSize: 16_384
        })
      ),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    server.maxConnections = 4096
    yield* releaseServer(server)
    const port = yield* listen(server, options.port)
    const gate = makeGate(options.apiKey, port)

    server.on("request", (request, response) => {
      const { path, query } = targetOf(request.url)
      const refused = gate(request)
      if (refused !== undefined) {
        request.resume()
        return send(response, refuse(path, refused))
      }
      const answer = readBody(request, options.maxBodyBytes).pipe(
        Effect.flatMap((body) => options.answer({ method: request.method ?? "", path, query, body })),
        Effect.catchTag("Refusal", (error) => Effect.succeed(refuse(path, error))),
        Effect.map((reply) => send(response, reply))
      )
      const fiber = fork(answer)
      response.once("close", () => {
        if (!response.writableFinished && options.endsWithClient(path)) fiber.unsafeInterruptAsFork(fiber.id())
      })
    })
    return { port }
  })
