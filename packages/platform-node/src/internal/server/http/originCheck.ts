/** Who gets no further than the headers: another host name (DNS rebinding), any browser page, an ambiguous request. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { Target } from "./exchange.js"
import type { Hosts } from "./hosts.js"

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

export const makeGate = (hosts: Hosts, port: number) => {
  const isOurs = hosts.check(port)
  return (request: IncomingMessage, { authority }: Pick<Target, "authority">): ApiError | undefined => {
    const { headers, headersDistinct } = request
    const twice = single.find((name) => (headersDistinct[name]?.length ?? 0) > 1)
    if (twice !== undefined) return refusal(400, "InvalidHeader", `the header ${twice} must not be repeated`)
    if (!isOurs(headers.host, request) || authority !== undefined && !isOurs(authority, request)) {
      return refusal(403, "Forbidden.Host", "the Host header must name this server")
    }
    if (headers.origin !== undefined) return refusal(403, "Forbidden.Origin", "browser pages are not served")
    return undefined
  }
}
