/**
 * HTTP exchanges, the only network access of `AgbClient`. `layer` implements them over any `HttpClient` of
 * `@effect/platform`; platform packages may provide a faster implementation.
 *
 * This module may change in any release.
 *
 * @experimental
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Transport } from "./internal/client/exchange.js"

export type {
  /**
   * One HTTP request and its limits.
   *
   * @since 0.1.0
   * @category models
   */
  Exchange,
  /**
   * An HTTP reply of any status. Header names are lower case.
   *
   * @since 0.1.0
   * @category models
   */
  Reply
} from "./internal/client/exchange.js"

export {
  /**
   * An exchange without a complete reply. `Unreachable` means that no request can have been sent. `code` is the error code of
   * the cause, e.g. `ECONNRESET`, or empty.
   *
   * @since 0.1.0
   * @category errors
   */
  ExchangeError,
  /**
   * Converts a network error by its code. The cause is dropped: it may contain the request and thus the API key.
   *
   * @since 0.1.0
   * @category errors
   */
  fromCause,
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
} from "./internal/client/exchange.js"

/**
 * Layer of a transport over any `HttpClient`. It imports `@effect/platform/HttpClient` when it is built, so that programs with
 * another transport never load it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("./internal/client/httpTransport.js")), (module) => module.layer)
)

/**
 * Layer of a transport over the global `fetch`, for runtimes without a faster one.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFetch: Layer.Layer<Transport> = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("./internal/client/httpTransport.js")), (module) => module.layerFetch)
)
