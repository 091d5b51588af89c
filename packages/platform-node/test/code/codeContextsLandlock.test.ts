/** Code contexts at the level `landlock`, where no socket can be made. */
import { Isolation } from "@effect-agb/platform-node"
import { it, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Contract, Test } from "../contract/suite/backend.js"
import { codeContexts } from "../contract/suite/codeContexts.js"
import { languagesOf, layerWith } from "../support/runtime.js"

const landlock = await Effect.runPromise(Effect.option(Isolation.probe("landlock")))

const skip = (title: string) => it.skip(`not run: ${title}`, () => {})

if (landlock._tag === "None") skip("code contexts at landlock, which this machine does not have")
else {
  const backend: Parameters<Contract>[1] = {
    layer: layerWith(landlock.value, { poolSize: 1 }),
    clock: "live",
    languages: await languagesOf(landlock.value),
    crowd: 4,
    insideOnly: true
  }
  const timeout = 180_000
  layer(backend.layer, { excludeTestServices: true, timeout })("landlock", (it) => {
    const run = (...[title, body]: Parameters<Test>) => it.scoped(title, body, { timeout, concurrent: true })
    codeContexts(Object.assign(run, { skip }), backend)
  })
}
