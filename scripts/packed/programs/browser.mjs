// A session over the global `fetch`, without anything of Node.
import * as Agb from "@effect-agb/core/Agb"
import * as AgbConfig from "@effect-agb/core/AgbConfig"
import * as Code from "@effect-agb/core/Code"
import * as Session from "@effect-agb/core/Session"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const program = Effect.flatMap(Code.Code, (code) => code.runCode("6 * 7", "javascript")).pipe(
  Effect.provide(Session.layer({ imageId: "agb-code-space-1" }))
)

globalThis.runSession = (endpoint, apiKey) =>
  program.pipe(
    Effect.provide(Agb.layer),
    Effect.provide(Layer.merge(FetchHttpClient.layer, AgbConfig.layer({ endpoint, apiKey }))),
    Effect.map((run) => `the answer is ${run.text}`),
    Effect.runPromise
  )
