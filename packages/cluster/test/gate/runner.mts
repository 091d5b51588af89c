/** A runner of the gate: a process that is killed, stopped and started anew. */
import { NodeAgb } from "@effect-agb/platform-node"
import { Layer, Logger, LogLevel } from "effect"
import * as job from "./job.js"
import * as settings from "./settings.js"

const [socketFolder = "", port = ""] = process.argv.slice(2)

const layer = job.layer.pipe(
  Layer.provide(settings.runner(socketFolder, Number(port))),
  Layer.provide(NodeAgb.layerConfig()),
  Layer.provide(Logger.minimumLogLevel(LogLevel.fromLiteral(process.env["GATE_LOG"] === "debug" ? "Debug" : "Info")))
)

NodeAgb.runMain(Layer.launch(layer))
