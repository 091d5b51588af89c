/**
 * The SDK on Node, connected to the AGB cloud or to any server that speaks its wire.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import type { Transport } from "@effect-agb/core/Transport"
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as processMain from "./internal/node/processMain.js"
import * as transport from "./internal/node/transport.js"

/**
 * The HTTP transport of this package: undici's dispatcher, or fetch where undici is replaced, as on Bun. It follows no
 * redirects.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Transport> = transport.layer

/**
 * The SDK configured by values. Fails with `ConfigurationError` where one is invalid.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: AgbConfig.AgbConfig.Options
): Layer.Layer<Agb.Agb | AgbClient, ConfigurationError> =>
  Agb.layerTransport.pipe(Layer.provide(layerTransport), Layer.provide(AgbConfig.layer(options)))

/**
 * The SDK configured through the `ConfigProvider`. What `config` leaves out is read from the environment variables
 * `AGB_API_KEY`, `AGB_ENDPOINT` and `AGB_TIMEOUT_MS` (milliseconds); the last two are optional. Fails with
 * `ConfigurationError` where a variable is missing or invalid.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<Partial<AgbConfig.AgbConfig.Options>> = {}
): Layer.Layer<Agb.Agb | AgbClient, ConfigurationError> =>
  Agb.layerTransport.pipe(Layer.provide(layerTransport), Layer.provide(AgbConfig.layerConfig(config)))

/**
 * Runs a program as the main program of the process. SIGINT, SIGTERM, SIGHUP, an uncaught exception and an unhandled
 * rejection interrupt it and wait for its finalizers, which delete its sessions. A second signal meanwhile prints a line
 * on standard error; a third ends the process at once.
 *
 * Exit codes: 0 after success, 1 after a failure (logged) or an uncaught exception, 130, 143 or 129 after a signal. After
 * `kill -9` nothing runs: the idle timeout of the sessions then releases them.
 *
 * Takes the options of `@effect/platform`'s `runMain`: `disableErrorReporting`, `disablePrettyLogger`, and `teardown`,
 * whose exit code is overridden by that of a signal or an uncaught exception.
 *
 * @since 0.1.0
 * @category main
 */
export const runMain = processMain.runMain
