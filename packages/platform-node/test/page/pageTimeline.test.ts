/** What ran, seen in a real browser. */
import { Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { browserLayer, entryWith, gone, hasBrowser, missingBrowser, openAddress, runInCell, seen, until } from "../support/browser.js"
import { best, layerWith } from "../support/runtime.js"

const params = { imageId: "agb-code-space-1" }

const go = <A>(work: () => Promise<A>) => Effect.promise(work)

describe.skipIf(!hasBrowser)(`the timeline of a page${missingBrowser}`, () => {
  layer(Layer.merge(layerWith(best), browserLayer), { excludeTestServices: true })((it) => {
    it.scoped("shows what clients ran, with figures, tables, errors and exit codes", () =>
      Effect.gen(function*() {
        const session = yield* Session.make(params)
        yield* session.code.runCode("print('héllo')\n6 * 7", "python")
        yield* session.command.executeCommand("printf '\\033[31mred\\033[0m plain'; exit 3", { acceptExitCodes: [3] })
        yield* Effect.either(session.code.runCode("def f():\n    return 1 / 0\nf()", "python"))
        const { faults, page } = yield* openAddress(session.resourceUrl)
        yield* go(() => seen(page.getByRole("article")))
        yield* go(() => page.screenshot({ path: "/tmp/real-1.png" }))
        assert.deepStrictEqual(faults, [])
      }))
  })
})
