// An agent that analyses a CSV file in a session and leaves a chart. With ANTHROPIC_API_KEY a real model thinks; without it a script does.
import { AgbToolkit } from "@effect-agb/ai"
import { FileSystem } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Chat, Prompt } from "@effect/ai"
import { FetchHttpClient } from "@effect/platform"
import { Config, Console, Effect, Layer, Option, type Redacted } from "effect"
import { local } from "./local.js"
import * as scriptedModel from "./scriptedModel.js"

const task = "Sum the sales of each region in /tmp/sales.csv and draw them as bars to /tmp/chart.svg, with JavaScript."

const program = `const fs = require("fs")
const sums = {}
for (const line of fs.readFileSync("/tmp/sales.csv", "utf8").trim().split("\\n").slice(1)) {
  const [region, amount] = line.split(",")
  sums[region] = (sums[region] ?? 0) + Number(amount)
}
const bars = Object.values(sums).map((sum, i) => \`<rect x="\${i * 50}" y="\${100 - sum}" width="40" height="\${sum}"/>\`)
fs.writeFileSync("/tmp/chart.svg", \`<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100">\${bars.join("")}</svg>\`)
sums`

const script = scriptedModel.layer([
  scriptedModel.call("read_file", { path: "/tmp/sales.csv" }),
  scriptedModel.call("run_code", { code: program, language: "javascript" }),
  scriptedModel.say("North sold 70, south 40. The chart is in /tmp/chart.svg.")
])

const anthropic = (apiKey: Redacted.Redacted<string>) =>
  Layer.unwrapEffect(Effect.map(
    Effect.promise(() => import("@effect/ai-anthropic")),
    ({ AnthropicClient, AnthropicLanguageModel }) =>
      AnthropicLanguageModel.layer({ model: "claude-sonnet-4-5", config: { max_tokens: 4_096 } }).pipe(
        Layer.provide(AnthropicClient.layer({ apiKey })),
        Layer.provide(FetchHttpClient.layer)
      )
  ))

const key = Config.option(Config.redacted("ANTHROPIC_API_KEY"))
const model = Layer.unwrapEffect(Effect.map(key, Option.match({ onNone: () => script, onSome: anthropic })))

const agent = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  yield* files.writeFile("/tmp/sales.csv", "region,amount\nnorth,30\nsouth,40\nnorth,40\n")
  const chat = yield* Chat.fromPrompt(task)
  let prompt = Prompt.empty
  for (let turn = 0; turn < 20; turn++) {
    const response = yield* chat.generateText({ prompt, toolkit: AgbToolkit.toolkit })
    for (const { name } of response.toolCalls) yield* Console.log(`the model calls ${name}`)
    if (response.text !== "") yield* Console.log(response.text)
    if (response.toolCalls.length === 0) break
    prompt = Prompt.fromMessages(Option.toArray(AgbToolkit.figuresMessage(response.content)))
  }
  yield* Console.log(`chart.svg: ${(yield* files.readFile("/tmp/chart.svg")).match(/<rect/g)?.length} bars`)
}).pipe(Effect.provide(model), Effect.provide(AgbToolkit.layerSession({ imageId: "agb-code-space-1" })))

NodeAgb.runMain(agent.pipe(Effect.provide(local)))
