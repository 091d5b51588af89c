/** Reads the JSON body of a request as text, within limits on size, time and depth. */
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import { isUtf8 } from "node:buffer"
import type { IncomingMessage } from "node:http"
import { jsonCost } from "../../agentWire/jsonLimits.js"
import type { Exchange } from "./exchange.js"
import { apiError } from "./originCheck.js"
import type { ServerLimits } from "./serverLimits.js"

export type BodyLimits = Pick<ServerLimits, "bodyBytes" | "body" | "jsonDepth">

const tooLarge = (limit: number) => apiError(413, "RequestTooLarge", `the body is larger than ${limit} bytes`)

const tooSlow = (millis: number) => apiError(408, "RequestTimeout", `the body was not there after ${millis} ms`)

const notUtf8 = apiError(400, "InvalidParameter", "the body must be UTF-8")

const tooDeep = (limit: number) =>
  apiError(
    400,
    "InvalidParameter",
    `the body must not be nested deeper than ${limit} levels, nor hold more than half a million values`
  )

/** Half a million objects, arrays and members; other values cost less. */
const maxJsonCost = 2 ** 22

/** Whether a client's JSON can be parsed without blocking the event loop noticeably. */
export const isWithinJsonLimits = (json: Uint8Array, { jsonDepth }: Pick<ServerLimits, "jsonDepth">): boolean =>
  jsonCost(json, { depth: jsonDepth, cost: maxJsonCost }) !== Infinity

/** Content types of CORS-safelisted requests, which a web page can send without a preflight. */
const formType = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i

const headerError = ({ headers }: IncomingMessage, limit: number): ApiError | undefined => {
  if ((headers["content-encoding"] ?? "identity") !== "identity") {
    return apiError(415, "UnsupportedEncoding", "bodies are not decompressed")
  }
  if (formType.test(headers["content-type"] ?? "")) {
    return apiError(415, "UnsupportedMediaType", "the body must be sent as application/json")
  }
  return Number(headers["content-length"] ?? 0) > limit ? tooLarge(limit) : undefined
}

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

/** Sends 100 Continue, once the headers are acceptable. */
const sendContinue = ({ request, response }: Exchange): void => {
  if (request.httpVersion === "1.1" && request.headers.expect?.toLowerCase() === "100-continue") {
    response.writeContinue()
  }
}

const bytesOf = (request: IncomingMessage, limits: BodyLimits): Effect.Effect<Buffer, ApiError> =>
  Effect.async((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const finish = (result: Effect.Effect<Buffer, ApiError>) => {
      clearTimeout(timer)
      request.removeAllListeners("data")
      resume(result)
    }
    const timer = setTimeout(() => finish(Effect.fail(tooSlow(limits.body))), limits.body)
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= limits.bodyBytes) chunks.push(chunk)
      else finish(Effect.fail(tooLarge(limits.bodyBytes)))
    })
    request.on("end", () => finish(Effect.sync(() => Buffer.concat(chunks, size))))
    request.on("error", () => finish(Effect.interrupt))
    return Effect.sync(() => clearTimeout(timer))
  })

/** The body as text. After a failure the rest of it is not read. */
export const readJson = (exchange: Exchange, limits: BodyLimits): Effect.Effect<string, ApiError> =>
  Effect.suspend(() => {
    const { request } = exchange
    if (!hasBody(request)) return Effect.succeed("")
    const error = headerError(request, limits.bodyBytes)
    if (error !== undefined) return Effect.fail(error)
    sendContinue(exchange)
    return Effect.flatMap(bytesOf(request, limits), (bytes) => {
      if (!isUtf8(bytes)) return Effect.fail(notUtf8)
      return isWithinJsonLimits(bytes, limits)
        ? Effect.succeed(bytes.toString("utf8"))
        : Effect.fail(tooDeep(limits.jsonDepth))
    })
  })
