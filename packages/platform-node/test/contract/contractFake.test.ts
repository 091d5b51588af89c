/** The contract on the fake: what every other test that uses the fake takes for granted. */
import { Effect, Scope } from "effect"
import { make } from "../support/fakeAgb.js"
import { sessionSuite } from "./suite/sessionSuite.js"

const fake = Effect.runSync(Effect.flatMap(Scope.make(), (scope) => Scope.extend(make(), scope)))

sessionSuite("the fake", {
  layer: fake.layer(),
  clock: "virtual",
  languages: ["python", "javascript", "java", "r"],
  requests: () => fake.ledger.requests.length,
  crowd: 120
})
