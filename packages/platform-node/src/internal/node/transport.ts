/**
 * The transport for the current JavaScript runtime: undici's dispatcher, or fetch where there is none. Bun replaces undici
 * with a module of its own that lacks a dispatcher.
 */
import type { Program } from "@effect-agb/core/Program"
import { layerFetch, type Transport } from "@effect-agb/core/Transport"
import * as Layer from "effect/Layer"
import { Agent } from "undici"
import * as programs from "./programs.js"
import * as undiciTransport from "./undiciTransport.js"

/** The most connections to one origin. A thousand calls of 20 ms at once took least with 128 to 256, twice that with 1,000. */
export interface Connections {
  /** For calls that may take minutes: tools, the creation of sessions and of browsers, and the sync of contexts. Default: 256. */
  readonly long?: number | undefined
  /** For all other calls, among them keep-alives and deletions, which thus never wait for the former. Default: 64. */
  readonly short?: number | undefined
}

const hasDispatcher = (): boolean => typeof Agent.prototype.dispatch === "function"

export const layerWith = ({ long = 256, short = 64 }: Connections = {}): Layer.Layer<Transport | Program> =>
  Layer.merge(
    Layer.suspend(() => hasDispatcher() ? undiciTransport.layer({ long, short }) : layerFetch),
    programs.layer
  )

/** With what this platform knows of programs. */
export const layer: Layer.Layer<Transport | Program> = layerWith()
