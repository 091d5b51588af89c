/** HTTP exchanges, their failures, and the `Transport` service that performs them. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import type { Cancellation } from "../deadline/cancellation.js"
import type { Peer } from "./handover.js"
import type { Socket, SocketError, SocketListener, SocketRequest } from "./socket.js"

/**
 * How far a request has come. A transport that cannot tell leaves it at `unknown`; one that can sets `queued` or `connecting`
 * while certainly nothing is sent, and `sent` before the first byte may be.
 */
export interface Progress {
  stage: "unknown" | "queued" | "connecting" | "sent"
}

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
  /** Whether the caller may retry the request when its outcome is unknown. Default: `unsafe`. */
  readonly retrySafety?: RetrySafety
  /** Whether the reply may take minutes. Such exchanges must not hold up the others. Default: false. */
  readonly isLong?: boolean
  /** Updated by the transport. */
  readonly progress?: Progress
}

/** An HTTP reply of any status. Header names are lower case. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Invalid UTF-8 is replaced by U+FFFD, and `isInvalidUtf8` is true. A byte order mark is removed. */
  readonly body: string
  readonly isInvalidUtf8?: boolean
}

const strict = new TextDecoder("utf-8", { fatal: true })
const lenient = new TextDecoder()

/** Decodes the body of a reply. */
export const decodeBody = (bytes: Uint8Array): Pick<Reply, "body" | "isInvalidUtf8"> => {
  try {
    return { body: strict.decode(bytes) }
  } catch {
    return { body: lenient.decode(bytes), isInvalidUtf8: true }
  }
}

/**
 * An exchange without a complete reply. `Unreachable` means that no request can have been sent. `code` is the error code of
 * the cause, e.g. `ECONNRESET`, or empty.
 */
export class ExchangeError extends Schema.TaggedError<ExchangeError>("@effect-agb/core/ExchangeError")(
  "ExchangeError",
  { reason: Schema.Literal("Unreachable", "Interrupted", "Timeout", "TooLarge"), code: Schema.String }
) {}

/** What is sent: bytes, or a stream, whose size is told if it is known. */
export type TransferBody<E> =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | {
    readonly _tag: "Stream"
    readonly stream: Stream.Stream<Uint8Array, E>
    readonly size: number | undefined
    /** Called for a piece once it is not used any more; never, where a transport cannot tell. */
    readonly onTaken?: ((bytes: Uint8Array) => void) | undefined
  }

/** The content of a file, on its way to or from a URL. */
export interface Transfer<E> {
  readonly method: "GET" | "PUT"
  /** One that is presigned authorizes whoever knows it: a secret. */
  readonly url: string
  /** Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body: TransferBody<E> | undefined
}

/** A reply whose body is read as it arrives. Header names are lower case. */
export interface TransferReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Stream.Stream<Uint8Array, ExchangeError>
  /** Gives back at once the memory of bytes of the body that nobody needs any more. Default: they are garbage. */
  readonly release?: (bytes: Uint8Array) => void
}

/** The service that performs HTTP exchanges. */
export class Transport extends Context.Tag("@effect-agb/core/Transport")<Transport, Transport.Service>() {}

export declare namespace Transport {
  export interface Service {
    /**
     * Sends a request and reads the complete reply. It does not follow redirects and has no deadline of its own.
     * Cancellation and interruption abort the exchange and close the connection.
     */
    readonly exchange: <E>(exchange: Exchange<E>) => Effect.Effect<Reply, ExchangeError | E>
    /**
     * Opens a WebSocket, following no redirects. An interruption gives up. Default: over the global `WebSocket`, whose
     * reading cannot be paused.
     */
    readonly openSocket?: (request: SocketRequest, listener: SocketListener) => Effect.Effect<Socket, SocketError>
    /**
     * Sends or receives the content of a file. It follows no redirects, adds no headers of its own that a signature may cover,
     * and has no deadline of its own. The end of the scope closes the connection. Default: over the global `fetch`.
     */
    readonly transfer?: <E>(
      transfer: Transfer<E>
    ) => Effect.Effect<TransferReply, ExchangeError | E, Scope.Scope>
    /**
     * The server at an endpoint, where it can be one that reads and writes files of this machine for the same user; the same for
     * each call. Default: none, and all bytes go over `transfer`.
     */
    readonly peer?: (endpoint: string) => Peer | undefined
  }
}

/** What changes the transport of every client that is built where it is in the context. */
export class Interceptor extends Context.Tag("@effect-agb/core/Transport/Interceptor")<
  Interceptor,
  (transport: Transport.Service) => Transport.Service
>() {}

/** Codes that no connection has once it is established: no address, no connection, or a certificate that was rejected. */
const neverSent = new RegExp(
  "^(ECONNREFUSED|ENOTFOUND|EAI_.*|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket)$"
)

/** Codes of OpenSSL and Node for a server whose certificate was rejected. */
const rejectedCertificate = new RegExp(
  "CERT|^(UNABLE_TO_.*|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|CRL_.*|ERROR_IN_(CERT|CRL)_.*)$"
)

/** An alert about certificates that the server sent, e.g. about that of the client, may arrive after the request. */
const isAlert = /ALERT/

/** Whether a connection failed because of the certificate of the server. */
export const isRejectedCertificate = (code: string): boolean => rejectedCertificate.test(code) && !isAlert.test(code)

const timeouts = /TIMEOUT|TIMEDOUT/

interface Cause {
  readonly code: string
  readonly syscall: unknown
}

/** Returns the first error with a code in a chain of causes, e.g. `ECONNRESET`. */
const causeOf = (cause: unknown, depth = 5): Cause | undefined => {
  if (depth === 0 || !Predicate.isRecord(cause)) return undefined
  const inner = Array.isArray(cause["errors"]) ? causeOf(cause["errors"][0], depth - 1) : undefined
  if (typeof cause["code"] === "string" && cause["code"] !== "") {
    return { code: cause["code"], syscall: cause["syscall"] ?? inner?.syscall }
  }
  return inner ?? causeOf(cause["cause"], depth - 1)
}

/**
 * Converts a network error. The cause is dropped: it may contain the request and thus the API key. Without `stage`, only the
 * codes of errors that cannot occur on an established connection prove that nothing was sent.
 */
export const fromCause = (cause: unknown, stage: Progress["stage"]): ExchangeError => {
  const { code = "", syscall } = causeOf(cause) ?? {}
  const isUnsent = stage === "unknown"
    ? neverSent.test(code) || isRejectedCertificate(code) || syscall === "connect" || syscall === "getaddrinfo"
    : stage !== "sent"
  return new ExchangeError({ code, reason: isUnsent ? "Unreachable" : timeouts.test(code) ? "Timeout" : "Interrupted" })
}

/** The error of a reply that exceeds `maxBytes`. To validate it would compile its schema when the module is loaded. */
export const tooLarge = new ExchangeError({ code: "", reason: "TooLarge" }, { disableValidation: true })
