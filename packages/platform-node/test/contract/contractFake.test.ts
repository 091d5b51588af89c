/** The contract on the backends in memory: what every other test that uses them takes for granted. */
import * as AgbTest from "@effect-agb/core/AgbTest"
import { Effect, Layer, Scope } from "effect"
import { make } from "../support/fakeAgb.js"
import { command, makeCode } from "../support/programs.js"
import { sessionSuite } from "./suite/sessionSuite.js"

const common = { clock: "virtual", languages: ["python", "javascript", "java", "r"], crowd: 120 } as const

sessionSuite("the backend in memory", {
  ...common,
  layer: Layer.suspend(() => AgbTest.layer({ code: makeCode(), command }))
})

const fake = Effect.runSync(Effect.flatMap(Scope.make(), (scope) => Scope.extend(make(), scope)))

sessionSuite("the backend in memory, with nothing beside the API", {
  ...common,
  layer: fake.layer(),
  requests: () => fake.ledger.requests.length
})
