/** The JSON body of a request as text, for clients that send neither too much nor too slowly. */
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import { isUtf8 } from "node:buffer"
import type { IncomingMessage } from "node:http"
import { jsonCost } from "../../agentWire/jsonLimits.js"
import type { Exchange } from "./exchange.js"
import { refusal } from "./originCheck.js"
import type { ServerLimits } from "./serverLimits.js"

export type BodyLimits = Pick<ServerLimits, "bodyBytes" | "body" | "jsonDepth">

const tooLarge = (limit: number) => refusal(413, "RequestTooLarge", `the body is larger than ${limit} bytes`)

const tooSlow = (millis: number) => refusal(408, "RequestTimeout", `the body was not there after ${millis} ms`)

const notUtf8 = refusal(400, "InvalidParameter", "the body must be UTF-8")

const tooDeep = (limit: number) =>
  refusal(
    400,
    "InvalidParameter",
    `the body must not be nested deeper than ${limit} levels, nor hold more than half a million values`
  )

/** Half a million objects, lists and fields; other values are lighter. */
const maxJsonCost = 2 ** 22

/** Whether a client's JSON can be parsed in a time that nobody notices. */
export const isModest = (json: Uint8Array, { jsonDepth }: Pick<ServerLimits, "jsonDepth">): boolean =>
  jsonCost(json, { depth: jsonDepth, cost: maxJsonCost }) !== Infinity

/** What a page can post to any server without being asked for permission first. */
const formType = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i

const refusedByHeaders = ({ headers }: IncomingMessage, limit: number): ApiError | undefined => {
  if ((headers["content-encoding"] ?? "identity") !== "identity") {
    return refusal(415, "UnsupportedEncoding", "bodies are not decompressed")
  }
  if (formType.test(headers["content-type"] ?? "")) {
    return refusal(415, "UnsupportedMediaType", "the body must be sent as application/json")
  }
  return Number(headers["content-length"] ?? 0) > limit ? tooLarge(limit) : undefined
}

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

/** A client that waits for permission gets it only when nothing speaks against its request. */
const giveLeave = ({ request, response }: Exchange): void => {
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

/** The body as text; a refusal reads no more of it. */
export const readJson = (exchange: Exchange, limits: BodyLimits): Effect.Effect<string, ApiError> =>
  Effect.suspend(() => {
    const { request } = exchange
    if (!hasBody(request)) return Effect.succeed("")
    const refused = refusedByHeaders(request, limits.bodyBytes)
    if (refused !== undefined) return Effect.fail(refused)
    giveLeave(exchange)
    return Effect.flatMap(bytesOf(request, limits), (bytes) => {
      if (!isUtf8(bytes)) return Effect.fail(notUtf8)
      return isModest(bytes, limits)
        ? Effect.succeed(bytes.toString("utf8"))
        : Effect.fail(tooDeep(limits.jsonDepth))
    })
  })
