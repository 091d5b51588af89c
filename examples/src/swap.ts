// One program, two backends: in the cloud if AGB_API_KEY is set, else on this machine. Only the layer differs.
import { Command, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Console, Effect } from "effect"
import { local } from "./local.js"

const program = Effect.flatMap(Command.Command, (command) => command.executeCommand("uname -s")).pipe(
  Effect.flatMap(({ stdout }) => Console.log(`the session runs ${stdout.trim()}`)),
  Effect.provide(Session.layer({ imageId: "agb-code-space-1" }))
)

NodeAgb.runMain(
  process.env["AGB_API_KEY"] === undefined
    ? program.pipe(Effect.provide(local))
    : program.pipe(Effect.provide(NodeAgb.layerConfig()))
)
