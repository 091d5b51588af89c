/** Code contexts at the level `landlock`, where no socket can be made. */
import * as AgbContract from "@effect-agb/core/AgbContract"
import { Isolation } from "@effect-agb/platform-node"
import { it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { languagesOf, layerWith } from "../support/runtime.js"

const landlock = await Effect.runPromise(Effect.option(Isolation.probe("landlock")))

const skip = (title: string) => it.skip(`not run: ${title}`, () => {})

if (landlock._tag === "None") skip("code contexts at landlock, which this machine does not have")
else {
  const cases = AgbContract.cases({ languages: await languagesOf(landlock.value) })
  const timeout = 180_000
  layer(layerWith(landlock.value, { poolSize: 1 }), { excludeTestServices: true, timeout })("landlock", (it) => {
    for (const { group, missing, name, needs, run } of cases) {
      // Java starts slowly, and meets nothing here that the others do not.
      if (group !== "codeContexts" || needs === "java") continue
      if (missing === undefined) it.scoped(name, () => run, { timeout, concurrent: true })
      else skip(`${name}: needs ${missing}`)
    }
  })
}
