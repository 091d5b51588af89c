/**
 * HTTP exchanges and WebSockets, the only network access of the SDK. `layer` implements the former over any `HttpClient` of
 * `@effect/platform`; platform packages may provide a faster implementation, and sockets whose reading can be paused.
 *
 * This module may change in any release.
 *
 * @experimental
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Transport } from "./internal/client/transport/exchange.js"

export type {
  /**
   * One HTTP request and its limits.
   *
   * @since 0.1.0
   * @category models
   */
  Exchange,
  /**
   * How far a request has come. A transport that cannot tell leaves it at `unknown`; one that can sets `queued` or `connecting`
   * while certainly nothing is sent, and `sent` before the first byte may be.
   *
   * @since 0.1.0
   * @category models
   */
  Progress,
  /**
   * An HTTP reply of any status. Header names are lower case.
   *
   * @since 0.1.0
   * @category models
   */
  Reply
} from "./internal/client/transport/exchange.js"

export {
  /**
   * Decodes the body of a reply.
   *
   * @since 0.1.0
   * @category constructors
   */
  decodeBody,
  /**
   * An exchange without a complete reply. `Unreachable` means that no request can have been sent. `code` is the error code of
   * the cause, e.g. `ECONNRESET`, or empty.
   *
   * @since 0.1.0
   * @category errors
   */
  ExchangeError,
  /**
   * Converts a network error. The cause is dropped: it may contain the request and thus the API key. At the stage `unknown`,
   * only the codes of errors that cannot occur on an established connection prove that nothing was sent.
   *
   * @since 0.1.0
   * @category errors
   */
  fromCause,
  /**
   * Tag of a function that changes the transport of every client that is built where it is in the context, e.g. inside
   * `LocalAgb.layer()`. `AgbTest.faults` is one.
   *
   * @since 0.1.0
   * @category tags
   */
  Interceptor,
  /**
   * The error of a reply that exceeds `maxBytes`.
   *
   * @since 0.1.0
   * @category errors
   */
  tooLarge,
  /**
   * Tag of the transport.
   *
   * @since 0.1.0
   * @category tags
   */
  Transport
} from "./internal/client/transport/exchange.js"

export type {
  /**
   * Receives a `cancel(error)` function, which it may call immediately; returns a function that unregisters it.
   *
   * @since 0.1.0
   * @category models
   */
  Cancellation
} from "./internal/client/deadline/cancellation.js"

export type {
  /**
   * The content of a file, on its way to or from a presigned URL.
   *
   * @since 0.1.0
   * @category models
   */
  Transfer,
  /**
   * What a transfer sends: bytes, or a stream, whose size is told if it is known.
   *
   * @since 0.1.0
   * @category models
   */
  TransferBody,
  /**
   * A reply whose body is read as it arrives. Header names are lower case.
   *
   * @since 0.1.0
   * @category models
   */
  TransferReply
} from "./internal/client/transport/exchange.js"

export {
  /**
   * What the server lets be done with a file.
   *
   * @since 0.1.0
   * @category models
   */
  type Access,
  /**
   * Files of fewer bytes are not worth the further requests of a handover.
   *
   * @since 0.1.0
   * @category constants
   */
  leastHandedBytes,
  /**
   * A server that may be a process of the same user on this machine, and has to prove it.
   *
   * @since 0.1.0
   * @category models
   */
  type Peer,
  /**
   * A file of such a server that is open in this process, until the scope in which it was opened ends.
   *
   * @since 0.1.0
   * @category models
   */
  type SharedFile,
  /**
   * What the system refused: an error code such as `ENOSPC`.
   *
   * @since 0.1.0
   * @category models
   */
  type SystemFailure,
  /**
   * Goes with one request for a file, and opens what its reply hands over.
   *
   * @since 0.1.0
   * @category models
   */
  type Ticket
} from "./internal/client/transport/handover.js"
export {
  /**
   * An open WebSocket. No method throws; on a socket that is closing they have no effect.
   *
   * @since 0.1.0
   * @category models
   */
  type Socket,
  /**
   * A WebSocket that could not be opened or was closed. `Unreachable` and `Rejected` mean that it never was open; `status` and
   * `body` are the reply to a handshake that was rejected. `code` is the error code of the cause or the close code, or empty.
   *
   * @since 0.1.0
   * @category errors
   */
  SocketError,
  /**
   * What a socket calls once it is open.
   *
   * @since 0.1.0
   * @category models
   */
  type SocketListener,
  /**
   * The address of a WebSocket, and what its handshake sends.
   *
   * @since 0.1.0
   * @category models
   */
  type SocketRequest
} from "./internal/client/transport/socket.js"

export {
  /**
   * Runs a transfer; where the stream that is sent has failed, the transfer fails with the error of the stream.
   *
   * @since 0.1.0
   * @category combinators
   */
  watchUpload
} from "./internal/client/transport/upload.js"

/**
 * Layer of a transport over any `HttpClient`. It imports `@effect/platform/HttpClient` when it is built, so that programs with
 * another transport never load it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("./internal/client/transport/httpTransport.js")), (module) => module.layer)
)

/**
 * Layer of a transport over the global `fetch`, for runtimes without a faster one.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFetch: Layer.Layer<Transport> = Layer.unwrapEffect(
  Effect.map(
    Effect.promise(() => import("./internal/client/transport/httpTransport.js")),
    (module) => module.layerFetch
  )
)
