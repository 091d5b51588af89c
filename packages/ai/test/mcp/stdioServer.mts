/** A server as a process of its own, for clients that start one. */
import * as AgbMcp from "@effect-agb/ai/AgbMcp"
import * as AgbToolkit from "@effect-agb/ai/AgbToolkit"
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

AgbMcp.serveStdio().pipe(
  Effect.provide(AgbToolkit.layerSession({ imageId: "agb-code-space-1" })),
  Effect.provide(NodeAgb.layerConfig()),
  Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger))),
  NodeAgb.runMain
)
