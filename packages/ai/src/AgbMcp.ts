/**
 * A session as a server of the Model Context Protocol: the tools of `AgbToolkit`, figures as images, and files as resources, over the standard
 * streams or HTTP.
 *
 * @since 0.1.0
 */
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import * as McpServer from "@effect/ai/McpServer"
import type * as HttpServer from "@effect/platform/HttpServer"
import * as RpcServer from "@effect/rpc/RpcServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { Handlers } from "./AgbToolkit.js"
import * as http from "./internal/mcp/http.js"
import * as jsonRpc from "./internal/mcp/jsonRpc.js"
import { register } from "./internal/mcp/register.js"
import * as stdio from "./internal/mcp/stdio.js"
import { version as packageVersion } from "./internal/mcp/version.js"

/**
 * How the server calls itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface Info {
  /** Default: `agb`. */
  readonly name?: string | undefined
  /** Default: the version of this package. */
  readonly version?: string | undefined
}

/**
 * Options of `serveStdio`, all optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface StdioOptions extends Info {
  /** Default: standard input of the process, on Node. */
  readonly stdin?: Stream.Stream<Uint8Array> | undefined
  /** Default: standard output of the process, on Node. */
  readonly stdout?: Sink.Sink<void, Uint8Array | string> | undefined
}

/**
 * Options of `layerHttp`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpOptions extends Info {
  /** What clients send as `Authorization: Bearer <token>`, 16 characters at least: whoever has it runs code in the session. */
  readonly token: Redacted.Redacted<string>
  /** Default: `/mcp`. */
  readonly path?: `/${string}` | undefined
  /** Names under which the server may be asked, besides those of loopback. Default: none. */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /** Origins of browser pages that may ask it. Default: none. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
}

const infoOf = ({ name = "agb", version = packageVersion }: Info) => ({ name, version })

/**
 * The tools and files on a server of your own, beside its other tools.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, never, McpServer.McpServer | Handlers | FileSystem> = Layer.scopedDiscard(
  register
)

/**
 * Serves one client over the standard streams until its input ends. Nothing else may be written to standard output meanwhile: send logs to
 * standard error.
 *
 * @example
 * ```ts
 * import { AgbMcp, AgbToolkit } from "@effect-agb/ai"
 * import { NodeAgb } from "@effect-agb/platform-node"
 * import { Effect, Logger } from "effect"
 *
 * export const program = AgbMcp.serveStdio().pipe(
 *   Effect.provide(AgbToolkit.layerSession({ imageId: "agb-code-space-1" })), // deleted when the client ends, and on SIGTERM
 *   Effect.provide(NodeAgb.layerConfig()),
 *   Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
 * )
 * // NodeAgb.runMain(program)
 * ```
 *
 * @since 0.1.0
 * @category servers
 */
export const serveStdio = (
  { stdin = stdio.stdin, stdout = stdio.stdout, ...info }: StdioOptions = {}
): Effect.Effect<void, never, Handlers | FileSystem> =>
  Effect.gen(function*() {
    const ended = yield* Deferred.make<void>()
    const protocol = RpcServer.layerProtocolStdio({
      stdin: Stream.ensuring(stdin, Deferred.succeed(ended, void 0)),
      stdout
    })
    const server = layer.pipe(
      Layer.provide(McpServer.layer(infoOf(info))),
      Layer.provide(protocol),
      Layer.provide(jsonRpc.layerLines)
    )
    yield* Effect.raceFirst(Layer.launch(server), Deferred.await(ended))
  }).pipe(Effect.withSpan("AgbMcp.serveStdio", { captureStackTrace: false }))

/**
 * Serves clients over HTTP at `path`. They share the session of the layer. Requests without the token, from pages of other origins, and under a
 * host name that is not allowed are refused: otherwise any page in a browser could run code in the session. Fails with `InvalidRequestError` for a
 * token of less than 16 characters.
 *
 * @example
 * ```ts
 * import { AgbMcp, AgbToolkit } from "@effect-agb/ai"
 * import { NodeAgb } from "@effect-agb/platform-node"
 * import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
 * import { Layer, Redacted } from "effect"
 * import { createServer } from "node:http"
 *
 * export const server = AgbMcp.layerHttp({ token: Redacted.make("a long random text") }).pipe(
 *   Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 3000 })),
 *   Layer.provide(AgbToolkit.layerSession({ imageId: "agb-code-space-1" })),
 *   Layer.provide(NodeAgb.layerConfig())
 * )
 * // NodeAgb.runMain(Layer.launch(server))
 * ```
 *
 * @since 0.1.0
 * @category servers
 */
export const layerHttp = (
  { path = "/mcp", ...options }: HttpOptions
): Layer.Layer<never, InvalidRequestError, Handlers | FileSystem | HttpServer.HttpServer> => {
  const server = Layer.mergeAll(layer, http.layerServer(path, options)).pipe(
    Layer.provide(McpServer.layer(infoOf(options))),
    Layer.provide(http.layerProtocol(path)),
    Layer.provide(jsonRpc.layerRequests)
  )
  return Redacted.value(options.token).length < 16
    ? Layer.fail(
      new InvalidRequestError({
        operation: "AgbMcp.layerHttp",
        field: "token",
        given: "a shorter text",
        expected: "a text of 16 characters or more"
      })
    )
    : server
}
