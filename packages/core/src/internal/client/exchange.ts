/** One HTTP exchange, the failures of one, and the service that makes them. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Cancellation } from "./cancellation.js"

export interface Exchange<E> {
  readonly method: "GET" | "POST"
  /** The whole URL with its query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** A longer reply is cut off and fails. */
  readonly maxBytes: number
  readonly onCancel: Cancellation<E>
}

/** A reply of any status; names of headers are in lower case. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

/**
 * No reply, or not the whole one. `Unreachable` means that nothing can have been sent; `code` is the cause's own, e.g.
 * `ECONNRESET`.
 */
export class ExchangeError extends Schema.TaggedError<ExchangeError>("@effect-agb/core/ExchangeError")(
  "ExchangeError",
  { reason: Schema.Literal("Unreachable", "Interrupted", "Timeout", "TooLarge"), code: Schema.String }
) {}

export class Transport extends Context.Tag("@effect-agb/core/Transport")<Transport, Transport.Service>() {}

export declare namespace Transport {
  export interface Service {
    /**
     * Sends a request and reads the whole reply. It follows no redirect and sets no deadline: a cancellation and an
     * interruption end it and close the connection.
     */
    readonly exchange: <E>(exchange: Exchange<E>) => Effect.Effect<Reply, ExchangeError | E>
  }
}

const neverSent = new RegExp(
  "^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|EPROTO|ERR_TLS.*|" +
    "ConnectionRefused|ERR_SSL_(WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|.*HANDSHAKE.*|.*ALERT_PROTOCOL_VERSION)|CERT_.*|" +
    "DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$"
)

const timeouts = /TIMEOUT|TIMEDOUT/

/** The first error code in a chain of causes, e.g. `ECONNRESET`. */
const codeOf = (cause: unknown, depth = 5): string | undefined => {
  if (depth === 0 || !Predicate.isRecord(cause)) return undefined
  if (typeof cause["code"] === "string" && cause["code"] !== "") return cause["code"]
  const inner = Array.isArray(cause["errors"]) ? cause["errors"][0] : undefined
  return codeOf(inner, depth - 1) ?? codeOf(cause["cause"], depth - 1)
}

/** Reads a network error by its code. It never keeps the cause, which may hold the request and with it the key. */
export const fromCause = (cause: unknown, replied: boolean): ExchangeError => {
  const code = codeOf(cause) ?? ""
  const sent = replied || !neverSent.test(code)
  return new ExchangeError({ code, reason: !sent ? "Unreachable" : timeouts.test(code) ? "Timeout" : "Interrupted" })
}

export const tooLarge = new ExchangeError({ code: "", reason: "TooLarge" })
