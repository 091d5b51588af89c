/** A host of its own: attacks every isolation that it can have and prints the outcomes as JSON. */
import { Effect } from "effect"
import { findInterpreters } from "../../../src/internal/sandbox/languages/interpreterSearch.js"
import { probeAll } from "../../../src/Isolation.js"
import { attackAll } from "./attacks.js"

const program = Effect.gen(function*() {
  const isolations = yield* probeAll
  const outcomes = yield* Effect.forEach(
    isolations,
    (isolation) =>
      Effect.flatMap(findInterpreters(isolation.confinement), (interpreters) => attackAll(isolation, interpreters))
  )
  return { isolations: isolations.map((it) => it.description), outcomes: outcomes.flat() }
})

process.stdout.write(JSON.stringify(await Effect.runPromise(program)))
