import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Agent from "../support/agent/agentProcess.js"

const { interpreters } = Agent
const seconds = { timeout: 60_000 }

const r = (code: string) => Agent.run("r", code, { timeoutMs: 60_000 })

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

const draws = interpreters.r !== undefined &&
  spawnSync(interpreters.r, ["-e", "stopifnot(capabilities('cairo'))"]).status === 0

const hasLattice = interpreters.r !== undefined && draws &&
  spawnSync(interpreters.r, ["-e", "library(lattice)"]).status === 0

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

    it.effect("tell the lines where errors were raised and calls were made", () =>
      Effect.gen(function*() {
        const defined = yield* r("f <- function(x) {\n  stop('bad ', x)\n}\n\ng <- function(y) {\n  f(y)\n}\ng(3)")
        const first = defined.executionCount
        assert.deepStrictEqual(defined.error?.traceback.split("\n"), [
          "Error in f(y): bad 3",
          `    at run-${first}:2`,
          `2: f(y) at run-${first}:6`,
          `1: g(3) at run-${first}:8`
        ])
        const later = yield* r("x <- 1\ng(x)")
        assert.include(later.error?.traceback, `1: g(x) at run-${later.executionCount}:2`)
        const missing = yield* r("x <- 1\r\nx + nothing\r\n")
        assert.strictEqual(
          missing.error?.traceback,
          `Error: object 'nothing' not found\n    at run-${missing.executionCount}:2`
        )
        const loop = yield* r("x <- 1\nfor (i in 1:2) {\n  stop('here')\n}")
        assert.include(loop.error?.traceback, `at run-${loop.executionCount}:2-4`)
        assert.match((yield* r("x <- 1\ny <- )")).error?.value ?? "", /^run-\d+:2:6: unexpected/)
      }), seconds)

    it.effect("treat warnings as the code wants them treated", () =>
      Effect.gen(function*() {
        const warn = (level: number) => r(`options(warn = ${level})\nw <- function() warning('careful')\nw()\n1`)
        assert.deepInclude(yield* warn(0), { error: null, stderr: "Warning message in w(): careful\n" })
        assert.deepInclude(yield* warn(-1), { error: null, stderr: "" })
        const { error, executionCount } = yield* warn(2)
        assert.deepInclude(error, {
          value: "(converted from warning) careful",
          traceback: `Error in w(): (converted from warning) careful\n    at run-${executionCount}:2\n` +
            `1: w() at run-${executionCount}:3`
        })
        yield* r("options(warn = 0)")
      }), seconds)

    it.effect("may use every name, and close all connections", () =>
      Effect.gen(function*() {
        const names = "'c', 'paste', 'print', 'reply', 'cat'"
        const own = `for (name in c(${names})) assign(name, function(...) stop('mine'))\nstop('first')`
        assert.strictEqual((yield* r(own)).error?.value, "first")
        assert.strictEqual(main(yield* r("40 + 2")), "[1] 42")
        assert.strictEqual((yield* r("stop('x')")).error?.value, "x")
        yield* r("rm(list = ls()); print.mine <- function(x, ...) cat('mine\\n'); kept <- 5")
        assert.strictEqual(main(yield* r("structure(1, class = 'mine')")), "mine")
        const closed = yield* r("file <- file('own.txt', 'w'); closeAllConnections(); isOpen(file)")
        assert.include(closed.error?.value, "invalid connection")
        assert.strictEqual(main(yield* r("kept")), "[1] 5")
      }), seconds)

    it.effect.skipIf(!hasLattice)("show lattice plots as images alone", () =>
      Effect.gen(function*() {
        const { results } = yield* r("library(lattice)\nxyplot(mpg ~ wt, mtcars)")
        assert.deepStrictEqual(results.map((result) => [result["text/plain"], result["isMainResult"]]), [[
          "<plot>",
          false
        ]])
      }), seconds)
  })
})
