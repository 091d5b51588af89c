/**
 * One HTTP exchange: all that `AgbClient` needs of a network. `layer` runs it over any `HttpClient` of `@effect/platform`;
 * a platform package may bring a faster one.
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
   * @since 0.1.0
   * @category models
   */
  Exchange,
  /**
   * A reply of any status; names of headers are in lower case.
   *
   * @since 0.1.0
   * @category models
   */
  Reply
} from "./internal/client/exchange.js"

export {
  /**
   * No reply, or not the whole one. `Unreachable` means that nothing can have been sent; `code` is the cause's own, e.g.
   * `ECONNRESET`.
   *
   * @since 0.1.0
   * @category errors
   */
  ExchangeError,
  /**
   * Reads a network error by its code. It never keeps the cause, which may hold the request and with it the key.
   *
   * @since 0.1.0
   * @category errors
   */
  fromCause,
  /**
   * @since 0.1.0
   * @category errors
   */
  tooLarge,
  /**
   * @since 0.1.0
   * @category tags
   */
  Transport
} from "./internal/client/exchange.js"

/**
 * A transport over any `HttpClient`. `@effect/platform/HttpClient` is imported when the layer is built, so that programs
 * with another transport never load it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("./internal/client/httpTransport.js")), (module) => module.layer)
)

/**
 * A transport over the global `fetch`, for runtimes that have nothing faster.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFetch: Layer.Layer<Transport> = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("./internal/client/httpTransport.js")), (module) => module.layerFetch)
)
