/**
 * The SDK on Node against the AGB cloud, or against any server that speaks its wire.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import type { Transport } from "@effect-agb/core/Transport"
import * as Layer from "effect/Layer"
import * as processMain from "./internal/node/processMain.js"
import * as transport from "./internal/node/transport.js"

/**
 * The transport of this package, which follows no redirect: undici without any detour, or fetch where undici is not what it
 * is on Node, as on Bun.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Transport> = transport.layer

/**
 * The SDK with a configuration in values.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: AgbConfig.AgbConfig.Options
): Layer.Layer<Agb.Agb | AgbClient, ConfigurationError> =>
  Agb.layerTransport.pipe(Layer.provide(layerTransport), Layer.provide(AgbConfig.layer(options)))

/**
 * The SDK configured by the environment: `AGB_API_KEY`, and if set `AGB_ENDPOINT` and `AGB_TIMEOUT_MS`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<Agb.Agb | AgbClient, ConfigurationError> = Agb.layerTransport.pipe(
  Layer.provide(layerTransport),
  Layer.provide(AgbConfig.layerConfig())
)

/**
 * Runs a program as the whole process, and sees to it that its sessions are deleted however the process is asked to
 * end: SIGINT, SIGTERM, SIGHUP, an uncaught exception and an unhandled rejection all interrupt the program and wait for
 * its finalizers. A second signal while they run is answered with a line on standard error and does not cut them off;
 * a third ends the process at once.
 *
 * Exit codes: 0 after success, 1 after a failure (logged) or an uncaught exception, 130, 143 and 129 after a signal.
 * `kill -9` runs nothing: then the idle timeout of the sessions releases them.
 *
 * @since 0.1.0
 * @category main
 */
export const runMain = processMain.runMain
