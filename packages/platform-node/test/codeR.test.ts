import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Agent from "./fixtures/agentProcess.js"

const { interpreters } = Agent
const seconds = { timeout: 60_000 }

const r = (code: string) => Agent.run("r", code, { timeoutMs: 60_000 })

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

const draws = interpreters.r !== undefined &&
  spawnSync(interpreters.r, ["-e", "stopifnot(capabilities('cairo'))"]).status === 0

describe.skipIf(interpreters.r === undefined || process.platform !== "linux")("r kernel", () => {
  layer(Agent.layer)("runs", (it) => {
    it.effect.skipIf(!draws)("show their plots as images, each page of its own", () =>
      Effect.gen(function*() {
        const { results, stdout } = yield* r("plot(1:3)\nhist(c(1, 2, 2))\nprint('after')\n42")
        assert.deepStrictEqual(results.map((result) => String(result["image/png"]).startsWith("iVBORw0K")), [
          true,
          true,
          false
        ])
        assert.strictEqual(main({ results }), "[1] 42")
        assert.strictEqual(stdout, "[1] \"after\"\n")
        assert.deepStrictEqual((yield* r("invisible(1)")).results, [])
      }), seconds)

    it.effect("leave devices that the code opens to the code", () =>
      Effect.gen(function*() {
        yield* r("grDevices::pdf('own.pdf')")
        assert.deepStrictEqual((yield* r("plot(1)\ninvisible(1)")).results, [])
        assert.strictEqual(main(yield* r("invisible(dev.off()); file.exists('own.pdf')")), "[1] TRUE")
      }), seconds)

    it.effect("show data frames, and get nothing from standard input", () =>
      Effect.gen(function*() {
        assert.strictEqual(main(yield* r("data.frame(a = 1:2, b = c('x', 'y'))")), "  a b\n1 1 x\n2 2 y")
        assert.strictEqual(main(yield* r("readline('? ')")), "[1] \"\"")
        assert.strictEqual(main(yield* r("readLines('stdin')")), "character(0)")
      }), seconds)
  })
})
