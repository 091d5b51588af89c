/** HTTP exchanges, their failures, and the `Transport` service that performs them. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Cancellation } from "./cancellation.js"

/** One HTTP request and its limits. */
export interface Exchange<E> {
  readonly method: "GET" | "POST"
  /** The complete URL, including the query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** The largest reply body in bytes; a larger one fails with `TooLarge`. */
  readonly maxBytes: number
  /** Registers a function that cancels the exchange. */
  readonly onCancel: Cancellation<E>
}

/** An HTTP reply of any status. Header names are lower case. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

/**
 * An exchange without a complete reply. `Unreachable` means that no request can have been sent. `code` is the error code of
 * the cause, e.g. `ECONNRESET`, or empty.
 */
export class ExchangeError extends Schema.TaggedError<ExchangeError>("@effect-agb/core/ExchangeError")(
  "ExchangeError",
  { reason: Schema.Literal("Unreachable", "Interrupted", "Timeout", "TooLarge"), code: Schema.String }
) {}

/** The service that performs HTTP exchanges. */
export class Transport extends Context.Tag("@effect-agb/core/Transport")<Transport, Transport.Service>() {}

export declare namespace Transport {
  export interface Service {
    /**
     * Sends a request and reads the complete reply. It does not follow redirects and has no deadline of its own.
     * Cancellation and interruption abort the exchange and close the connection.
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

/** Returns the first error code in a chain of causes, e.g. `ECONNRESET`. */
const codeOf = (cause: unknown, depth = 5): string | undefined => {
  if (depth === 0 || !Predicate.isRecord(cause)) return undefined
  if (typeof cause["code"] === "string" && cause["code"] !== "") return cause["code"]
  const inner = Array.isArray(cause["errors"]) ? cause["errors"][0] : undefined
  return codeOf(inner, depth - 1) ?? codeOf(cause["cause"], depth - 1)
}

/** Converts a network error by its code. The cause is dropped: it may contain the request and thus the API key. */
export const fromCause = (cause: unknown, replied: boolean): ExchangeError => {
  const code = codeOf(cause) ?? ""
  const sent = replied || !neverSent.test(code)
  return new ExchangeError({ code, reason: !sent ? "Unreachable" : timeouts.test(code) ? "Timeout" : "Interrupted" })
}

/** The error of a reply that exceeds `maxBytes`. */
export const tooLarge = new ExchangeError({ code: "", reason: "TooLarge" })
