/** Who gets no further than the headers: another host name (DNS rebinding), any browser page, an ambiguous request. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { Target } from "./exchange.js"

export const refusal = (status: number, code: string, message: string) => new ApiError({ status, code, message })

const digest = (text: string): Buffer => Crypto.createHash("sha256").update(text).digest()

/** Compares without telling by its time how much was right. */
export const makeCheck = (secret: string): (given: string | undefined) => boolean => {
  const expected = digest(secret)
  return (given) => Crypto.timingSafeEqual(expected, digest(given ?? "")) && given !== undefined
}

/** Fails unless the secret is the right one. */
export const demand = (isRight: boolean, code: string, message: string): Effect.Effect<void, ApiError> =>
  isRight ? Effect.void : Effect.fail(refusal(401, code, message))

/** Headers that mean something else to every program that reads them when they come twice. */
const single = ["host", "origin", "authorization", "x-access-token", "content-length", "content-type"]

export const makeGate = (port: number) => {
  const hosts = new Set(["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`))
  const isOurs = (name: string | undefined): boolean => hosts.has(name?.toLowerCase() ?? "")
  return (
    { headers, headersDistinct }: IncomingMessage,
    { authority }: Pick<Target, "authority">
  ): ApiError | undefined => {
    const twice = single.find((name) => (headersDistinct[name]?.length ?? 0) > 1)
    if (twice !== undefined) return refusal(400, "InvalidHeader", `the header ${twice} must not be repeated`)
    if (!isOurs(headers.host) || authority !== undefined && !isOurs(authority)) {
      return refusal(403, "Forbidden.Host", "the Host header must name this loopback server")
    }
    if (headers.origin !== undefined) return refusal(403, "Forbidden.Origin", "browser pages are not served")
    return undefined
  }
}
