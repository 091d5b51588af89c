import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Agent from "../support/agent/agentProcess.js"

const { interpreters } = Agent
const r = (code: string) => Agent.run("r", code, { timeoutMs: 60_000 })

/** The time in which nothing runs is R's own. */
const passed = (millis: number) => Effect.promise(() => new Promise((resume) => setTimeout(resume, millis)))

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
      }))

    it.effect("leave devices that the code opens to the code", () =>
      Effect.gen(function*() {
        yield* r("grDevices::pdf('own.pdf')")
        assert.deepStrictEqual((yield* r("plot(1)\ninvisible(1)")).results, [])
        assert.strictEqual(main(yield* r("invisible(dev.off()); file.exists('own.pdf')")), "[1] TRUE")
      }))

    it.effect("show data frames, and get nothing from standard input", () =>
      Effect.gen(function*() {
        assert.strictEqual(main(yield* r("data.frame(a = 1:2, b = c('x', 'y'))")), "  a b\n1 1 x\n2 2 y")
        assert.strictEqual(main(yield* r("readline('? ')")), "[1] \"\"")
        assert.strictEqual(main(yield* r("readLines('stdin')")), "character(0)")
      }))

    it.effect("print functions, expressions and generics as Rscript does", () =>
      Effect.gen(function*() {
        const deparsed = "function (x) \nx^2"
        assert.strictEqual(
          (yield* r("f <- function(x)   x ^ 2 # note\nf\nprint(f)\ninvisible(f)")).stdout,
          `${deparsed}\n`.repeat(2)
        )
        assert.strictEqual(main(yield* r("f")), deparsed)
        assert.strictEqual(main(yield* r("list(f)")), `[[1]]\n${deparsed}\n`)
        assert.strictEqual(main(yield* r("parse(text = 'a   +1')")), "expression(a + 1)")
        const generic = String(main(yield* r("implicitGeneric('with')")))
        assert.match(generic, /^standardGeneric for "with" defined from package "base"\n/)
      }))

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
      }))

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
      }))

    it.effect("sees no frames of the kernel at top level", () =>
      Effect.gen(function*() {
        assert.strictEqual(main(yield* r("c(sys.nframe(), length(sys.calls()))")), "[1] 0 0")
        assert.strictEqual(main(yield* r("identical(parent.frame(), globalenv())")), "[1] TRUE")
        assert.strictEqual(main(yield* r("f <- function() parent.frame()\nidentical(f(), globalenv())")), "[1] TRUE")
        const started = yield* r("main <- function() cat('started\\n')\nif (sys.nframe() == 0) main()")
        assert.strictEqual(started.stdout, "started\n")
        assert.include((yield* r("stop('plain')")).error?.traceback, "Error: plain\n")
      }))

    it.effect("sees no frames of the kernel in functions", () =>
      Effect.gen(function*() {
        const frames = {
          "f <- function() c(sys.nframe(), length(sys.calls()), length(sys.frames())); f()": "[1] 1 1 1",
          "f <- function() { g <- function() sys.parents(); g() }; f()": "[1] 0 1",
          "f <- function(a) sys.call(); f(1)": "f(1)",
          "g <- function() sys.call(-1); h <- function() g(); h()": "h()",
          "f <- function() sys.calls()[[1]]; f()": "f()",
          "f <- function() identical(sys.function(1), f); f()": "[1] TRUE",
          "f <- function() identical(sys.frame(1), environment()); f()": "[1] TRUE",
          "f <- function() identical(sys.frame(-1), globalenv()); f()": "[1] TRUE",
          "f <- function(...) match.call(); f(1, b = 2)": "f(1, b = 2)"
        }
        for (const [code, value] of Object.entries(frames)) assert.strictEqual(main(yield* r(code)), value, code)
        assert.include(
          (yield* r("f <- function() sys.call(-5); f()")).error?.value,
          "not that many frames on the stack"
        )
      }))

    it.effect("has its task callbacks called after each expression", () =>
      Effect.gen(function*() {
        const added = yield* r(
          "id <- addTaskCallback(function(expr, value, ok, visible) { cat(deparse(expr), visible, '\\n'); TRUE }, name = 'own')\n" +
            "x <- 1\nx + 1"
        )
        assert.match(added.stdout, /x <- 1 FALSE \nx \+ 1 TRUE \n$/)
        assert.strictEqual(main(yield* r("getTaskCallbackNames()")), "[1] \"own\"")
        assert.strictEqual(main(yield* r("removeTaskCallback('own')")), "[1] TRUE")
        const once = yield* r("id <- addTaskCallback(function(e, v, o, s, data) { cat(data); FALSE }, data = 7)\n1\n2;")
        assert.strictEqual(once.stdout.match(/7/g)?.length, 1)
      }))

    it.effect("ends a run with quit, and keeps its state", () =>
      Effect.gen(function*() {
        yield* r("kept <- 41")
        const ended = yield* r("cat('bye\\n')\ntryCatch(quit('no'), error = function(e) cat('caught'))\ncat('after')")
        assert.deepInclude(ended, { error: null, died: null, stdout: "bye\n" })
        const failed = yield* r("f <- function() q(status = 3)\nf()")
        assert.deepInclude(failed.error, { name: "Exit", value: "The code exited with code 3" })
        const next = yield* r("kept + 1")
        assert.deepInclude(next, { kernelRestarted: false, stderr: "" })
        assert.strictEqual(main(next), "[1] 42")
      }))

    it.effect("limits the time of its own expressions, and of nothing after them", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          main(yield* r("f <- function() { setTimeLimit(elapsed = 0.3, transient = TRUE); 1 }; f()")),
          "[1] 1"
        )
        yield* passed(500)
        const long = "start <- Sys.time(); while (Sys.time() - start < 0.6) 1\n40 + 2"
        assert.strictEqual(main(yield* r(long)), "[1] 42")
        assert.strictEqual(main(yield* r(`setTimeLimit(elapsed = 0.3, transient = TRUE)\n${long}`)), "[1] 42")
        const longer = "start <- Sys.time(); while (Sys.time() - start < 3) 1"
        const limited = yield* r(`{ setTimeLimit(elapsed = 0.2, transient = TRUE); ${longer} }`)
        assert.deepInclude(limited.error, { value: "reached elapsed time limit" })
        yield* r("setTimeLimit(elapsed = 0.2)")
        yield* passed(500)
        assert.strictEqual(main(yield* r("40 + 2")), "[1] 42")
        assert.deepInclude((yield* r(longer)).error, { value: "reached elapsed time limit" })
        yield* r("setTimeLimit()")
      }))

    it.effect("knows its last value and warnings, as Rscript does", () =>
      Effect.gen(function*() {
        const looped = yield* r("for (i in 1:3) warning(paste('w', i))\nwarnings()")
        assert.strictEqual(main(looped), "Warning messages:\n1: w 1\n2: w 2\n3: w 3")
        yield* r("f <- function() warning('x'); f()")
        assert.strictEqual(main(yield* r("warnings()")), "Warning message:\nIn f() : x")
        assert.strictEqual(main(yield* r("8\n.Last.value + 1")), "[1] 9")
        assert.include((yield* r("q('maybe')")).error?.value, "unrecognized value of 'save'")
      }))

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
      }))

    it.effect("are not interrupted for an earlier one", () =>
      Effect.gen(function*() {
        const pid = Number(String(main(yield* r("Sys.getpid()"))).replace("[1] ", ""))
        process.kill(pid, "SIGINT")
        const run = yield* Agent.run("r", "6 * 7", { timeoutMs: 5000 })
        assert.deepStrictEqual([run.error, run.timedOut, run.died, main(run)], [null, null, null, "[1] 42"])
      }))

    it.effect.skipIf(!hasLattice)("show lattice plots as images alone", () =>
      Effect.gen(function*() {
        const { results } = yield* r("library(lattice)\nxyplot(mpg ~ wt, mtcars)")
        assert.deepStrictEqual(results.map((result) => [result["text/plain"], result["isMainResult"]]), [[
          "<plot>",
          false
        ]])
      }))
  })
})
