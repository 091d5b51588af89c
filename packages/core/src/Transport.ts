/**
 * One HTTP exchange: all that `AgbClient` needs of a network. `layer` makes it of any `HttpClient` of the platform; a
 * platform that can do it with less effort brings its own.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Transport } from "./internal/client/exchange.js"

export type {
  /**
   * Receives a `cancel(error)` function, which it may call at once; returns a function that unregisters it.
   *
   * @since 0.1.0
   * @category models
   */
  Cancellation
} from "./internal/client/cancellation.js"

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
 * A transport over any `HttpClient`. That module is loaded when the layer is built, so that programs with another
 * transport do without it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("./internal/client/httpTransport.js")), (module) => module.layer)
)
