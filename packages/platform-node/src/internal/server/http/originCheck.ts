/** Checks on the headers of a request: Host against DNS rebinding, no Origin, no ambiguous duplicates, and secrets. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { RequestTarget } from "./exchange.js"
import type { Hosts } from "./hosts.js"

export const apiError = (status: number, code: string, message: string) => new ApiError({ status, code, message })

const digest = (text: string): Buffer => Crypto.createHash("sha256").update(text).digest()

/** Constant-time comparison with a secret, whatever the lengths. */
export const constantTimeEquals = (secret: string): (given: string | undefined) => boolean => {
  const expected = digest(secret)
  return (given) => Crypto.timingSafeEqual(expected, digest(given ?? "")) && given !== undefined
}

/** Fails with 401 unless the secret was correct. */
export const requireSecret = (isCorrect: boolean, code: string, message: string): Effect.Effect<void, ApiError> =>
  isCorrect ? Effect.void : Effect.fail(apiError(401, code, message))

/** Headers that programs interpret differently when they are repeated. */
const unrepeatable = ["host", "origin", "authorization", "x-access-token", "content-length", "content-type"]

/** The check of a request before it is routed; undefined where it passes. */
export const makeOriginCheck = (hosts: Hosts, port: number) => {
  const isOurs = hosts.check(port)
  return (request: IncomingMessage, { authority }: Pick<RequestTarget, "authority">): ApiError | undefined => {
    const { headers, headersDistinct } = request
    const repeated = unrepeatable.find((name) => (headersDistinct[name]?.length ?? 0) > 1)
    if (repeated !== undefined) return apiError(400, "InvalidHeader", `the header ${repeated} must not be repeated`)
    if (!isOurs(headers.host, request) || authority !== undefined && !isOurs(authority, request)) {
      return apiError(403, "Forbidden.Host", "the Host header must name this server")
    }
    if (headers.origin !== undefined) return apiError(403, "Forbidden.Origin", "browser pages are not served")
    return undefined
  }
}
