// A coding agent that works in one session while its runner, a process of its own, is killed twice with signal 9.
import { Agb } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Chunk, Console, Effect, Redacted, Stream } from "effect"
import { spawn } from "node:child_process"
import { server } from "./local.js"

const file = (process.argv[1] ?? "").replace(/codingAgent(?=\.\w+$)/, "codingAgentRunner")

/** Runs a runner, which is killed when it says that it begins this turn; what it said. */
const run = ({ apiKey, endpoint }: LocalAgb.LocalAgb["Type"], last?: number) =>
  Effect.async<string>((resume) => {
    const child = spawn(process.execPath, [...process.execArgv, file], {
      env: { ...process.env, AGB_API_KEY: Redacted.value(apiKey), AGB_ENDPOINT: endpoint },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    child.stdout.on("data", (chunk) => {
      said += chunk
      if (said.includes(`turn ${last}\n`)) child.kill("SIGKILL")
    })
    child.once("close", (_, signal) => resume(Effect.succeed(signal === null ? said : `killed by ${signal}`)))
  })

const program = Effect.gen(function*() {
  const local = yield* LocalAgb.LocalAgb
  for (const turn of [1, 4]) yield* Console.log(`the runner is ${yield* run(local, turn)} in turn ${turn}`)
  yield* Console.log((yield* run(local)).replaceAll(/^turn \d+\n/gm, "").trim())
  const agb = Effect.flatMap(Agb.Agb, (agb) => Stream.runCollect(agb.list()))
  const sessions = yield* Effect.provide(agb, NodeAgb.layer({ apiKey: local.apiKey, endpoint: local.endpoint }))
  yield* Console.log(`${Chunk.size(sessions)} sessions are left`)
})

NodeAgb.runMain(program.pipe(Effect.provide(server)))
