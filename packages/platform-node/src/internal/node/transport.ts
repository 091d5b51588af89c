/**
 * The transport for the current JavaScript runtime: undici's dispatcher, or fetch where there is none. Bun replaces undici
 * with a module of its own that lacks a dispatcher.
 */
import { layerFetch, type Transport } from "@effect-agb/core/Transport"
import * as Layer from "effect/Layer"
import { Agent } from "undici"
import * as undiciTransport from "./undiciTransport.js"

const hasDispatcher = (): boolean => typeof Agent.prototype.dispatch === "function"

export const layer: Layer.Layer<Transport> = Layer.suspend(() => hasDispatcher() ? undiciTransport.layer : layerFetch)
