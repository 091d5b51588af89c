/** A runner of the gate: a process that is killed, stopped and started anew. */
import { NodeAgb } from "@effect-agb/platform-node"
import { Layer, Logger, LogLevel } from "effect"
import * as job from "./job.js"
import * as settings from "./settings.js"

const [host = "", locks = "", port = ""] = process.argv.slice(2)

const layer = job.layer.pipe(
  Layer.provide(settings.runner(host, locks === "table" ? "table" : "advisory", Number(port))),
  Layer.provide(NodeAgb.layerConfig()),
  Layer.provide(Logger.minimumLogLevel(LogLevel.Debug))
)

NodeAgb.runMain(Layer.launch(layer))
