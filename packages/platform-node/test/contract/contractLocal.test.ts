/** The contract on the local runtime over HTTP, in every isolation that this machine offers. */
import { it } from "@effect/vitest"
import { languagesOf, layerWith, missingMechanisms, runtimes } from "../support/runtime.js"
import { sessionSuite } from "./suite/sessionSuite.js"

for (const [index, { isolation, name }] of runtimes.entries()) {
  sessionSuite(`local runtime (${name})`, {
    layer: layerWith(isolation, { poolSize: 1 }),
    clock: "live",
    languages: await languagesOf(isolation),
    crowd: 4,
    insideOnly: index > 0
  })
}

for (const mechanism of missingMechanisms) {
  it.skip(`not run: the local runtime in namespaces through ${mechanism}, which this machine does not have`, () => {})
}
