/**
 * The SDK on Node, connected to the AGB cloud or to any server that speaks its wire.
 *
 * @since 0.1.0
 */
import * as Agb from "@effect-agb/core/Agb"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import type { ClientError, ConfigurationError } from "@effect-agb/core/AgbError"
import type { Guardian } from "@effect-agb/core/Guardian"
import type { Program } from "@effect-agb/core/Program"
import type { Session } from "@effect-agb/core/Session"
import type { Transport } from "@effect-agb/core/Transport"
import type * as Config from "effect/Config"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Forward } from "./internal/forward/forward.js"
import { type ForwardOptions, scoped } from "./internal/forward/scopedForward.js"
import * as guardian from "./internal/guardian/guardian.js"
import type { GuardianOptions } from "./internal/guardian/guardian.js"
import type { GuardianError } from "./internal/guardian/guardianError.js"
import * as processMain from "./internal/node/processMain.js"
import * as transport from "./internal/node/transport.js"

export type {
  /**
   * Options of `layerGuardian`.
   *
   * @since 0.1.0
   * @category models
   */
  GuardianOptions
} from "./internal/guardian/guardian.js"

export {
  /**
   * The guardian could not be started. `reason` says why.
   *
   * @since 0.1.0
   * @category errors
   */
  GuardianError
} from "./internal/guardian/guardianError.js"

/**
 * The most connections of a transport to one server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connections {
  /**
   * For calls that may take minutes: of tools, the creation of sessions and browsers, the sync of contexts. Default: 256.
   */
  readonly long?: number | undefined
  /** For all other calls, keep-alives and deletions among them, so that these never wait for the former. Default: 64. */
  readonly short?: number | undefined
}

/**
 * The HTTP transport of this package: undici's dispatcher, or fetch where undici is replaced, as on Bun. It follows no
 * redirects.
 *
 * It opens at most 256 connections for calls that may take minutes, and 64 for all others. Further calls wait in a queue,
 * first come, first served. The time in the queue counts towards their deadlines, and a call that ends there was not sent.
 *
 * With it comes what Node knows of programs, for `Agb.sweep`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Transport | Program> = transport.layer

/**
 * `layerTransport` with other bounds on connections, for programs in which more than 256 sessions are at work at a time. The
 * bounds do not apply to fetch.
 *
 * @example
 * ```ts
 * import { Agb, AgbConfig } from "@effect-agb/core"
 * import { NodeAgb } from "@effect-agb/platform-node"
 * import { Layer } from "effect"
 *
 * export const layer = Agb.layerTransport.pipe(
 *   Layer.provide(NodeAgb.layerTransportWith({ long: 1000 })),
 *   Layer.provide(AgbConfig.layerConfig())
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransportWith: (connections: Connections) => Layer.Layer<Transport | Program> = transport.layerWith

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

export type {
  /**
   * A port of this machine that leads into a session.
   *
   * @since 0.1.0
   * @category models
   */
  Forward
} from "./internal/forward/forward.js"

export type {
  /**
   * Options of `forward`, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  ForwardOptions
} from "./internal/forward/scopedForward.js"

/**
 * Makes a port of a session a port of this machine, until the end of the scope: an HTTP server in the session is then at
 * `http://127.0.0.1:<port>`, with streamed bodies and WebSockets. It goes through the link of the port, see `getLink`: a server
 * may refuse a port. Only HTTP and what is upgraded from it is carried.
 *
 * The port listens on loopback only, and for its own pages only: requests under another host name, or from a page of another
 * origin, are refused. Neither the address nor the token of the link reaches the client: redirects lead to this port, and
 * headers and cookies that would tell it are left out.
 *
 * Fails with `InvalidRequestError` if `localPort` cannot be had. What listens in the session may come later: until then the
 * server of the link says that there is nothing.
 *
 * @example
 * ```ts
 * import { Session } from "@effect-agb/core"
 * import { NodeAgb } from "@effect-agb/platform-node"
 * import { Console, Effect } from "effect"
 *
 * export const program = Effect.gen(function*() {
 *   const session = yield* Session.Session
 *   yield* session.command.start("python3 -m http.server 30100")
 *   const { url } = yield* NodeAgb.forward(session, 30100, { localPort: 8000 })
 *   yield* Console.log(`open ${url}`)
 *   yield* Effect.never
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const forward: (
  session: Session,
  port: number,
  options?: ForwardOptions
) => Effect.Effect<Forward, ClientError, Scope.Scope> = scoped

/**
 * A process that deletes the sessions of this program when the program ends without having done so, e.g. by `kill -9`: it waits
 * for the end of a pipe. Provide it to the layer of the SDK. It guards the sessions of `Session.make`, of layers and pools, and
 * creates in flight, whose sessions it finds by their labels.
 *
 * It starts with the layer and ends itself when its program has ended and nothing is left to delete. The API key reaches it
 * through the pipe. If it cannot start, the layer fails with `GuardianError`, or `ConfigurationError` for an invalid option; if it
 * ends too early, a line at level error says so and it is started again.
 *
 * @example
 * ```ts
 * import { Session } from "@effect-agb/core"
 * import { NodeAgb } from "@effect-agb/platform-node"
 * import { Effect, Layer } from "effect"
 *
 * const agb = NodeAgb.layerConfig().pipe(Layer.provide(NodeAgb.layerGuardian({ journalDirectory: "/var/lib/my-service/agb" })))
 *
 * export const program = Session.use({ imageId: "agb-code-space-1" }, ({ code }) => code.runCode("1 + 1", "python")).pipe(
 *   Effect.provide(agb)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerGuardian: (
  options?: GuardianOptions
) => Layer.Layer<Guardian, GuardianError | ConfigurationError> = guardian.layer

/**
 * Runs a program as the main program of the process. SIGINT, SIGTERM, SIGHUP, an uncaught exception and an unhandled
 * rejection interrupt it and wait for its finalizers, which delete its sessions. A second SIGINT or SIGTERM meanwhile
 * prints a line on standard error; a third ends the process at once.
 *
 * Where nobody reads standard error any more, because its pipe or terminal is closed, what is written to it is dropped.
 * Where nobody reads standard output any more, as in `program | head -1`, the next write interrupts the program too.
 *
 * Exit codes: 0 after success or the interruption by a closed standard output, 1 after a failure (logged) or an uncaught
 * exception, 130, 143 or 129 after a signal. After `kill -9` nothing runs: the idle timeout of the sessions then releases
 * them.
 *
 * Takes the options of `@effect/platform`'s `runMain`: `disableErrorReporting`, `disablePrettyLogger`, and `teardown`,
 * whose exit code is overridden by that of a signal or an uncaught exception.
 *
 * @since 0.1.0
 * @category main
 */
export const runMain = processMain.runMain
