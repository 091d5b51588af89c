/**
 * The transport for the runtime that this process is: undici's dispatcher, or fetch where there is none. Bun puts a module
 * of its own in the place of undici, without a dispatcher.
 */
import type { Transport } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent } from "undici"
import * as undiciTransport from "./undiciTransport.js"

const hasDispatcher = (): boolean => typeof Agent.prototype.dispatch === "function"

/** Loaded on demand: it brings the platform's HttpClient. */
const overFetch = Layer.unwrapEffect(
  Effect.map(Effect.promise(() => import("@effect-agb/core/Transport")), ({ layerFetch }) => layerFetch)
)

export const layer: Layer.Layer<Transport> = Layer.suspend(() => hasDispatcher() ? undiciTransport.layer : overFetch)
