/** What `runCode` does. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as AgbTools from "../../AgbTools.js"
import type * as Code from "../../Code.js"
import * as Session from "../../Session.js"
import { assert, failsWith } from "./assert.js"
import { type Contract, imageId, type Test } from "./contractCase.js"
import { type CodeProgram, java, javascript, type LanguagePrograms, python, r } from "./programs.js"

/** The texts of a stream's events, and how it ended. */
const streamed = (
  code: Code.Code,
  { code: source, language }: CodeProgram,
  timeout: Duration.DurationInput = "1 minute"
) =>
  Effect.gen(function*() {
    const events: Array<Code.CodeEvent> = []
    const ended = yield* Effect.either(
      Stream.runForEach(code.runCodeStream(source, language, { timeout }), (event) =>
        Effect.sync(() => void events.push(event)))
    )
    const text = (tag: "Stdout" | "Stderr") =>
      events.map((event) => event._tag === tag ? event.text : "").join("")
    return { ended, events, last: events.at(-1), stdout: text("Stdout"), stderr: text("Stderr") }
  })

const streams = (test: Test, name: AgbTools.Language, programs: LanguagePrograms) => {
  test(`${name}: a stream tells what a run tells, and completes once`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      const { events, last, stderr, stdout } = yield* streamed(code, programs.prints)
      assert.deepStrictEqual([stdout, stderr], ["out\n", "err\n"])
      assert.strictEqual(events.filter(({ _tag }) => _tag === "Completed").length, 1)
      if (last?._tag !== "Completed") return assert.fail("the last event is no end")
      const { executionCount: _, executionTime: __, ...run } = yield* code.runCode(programs.prints.code, name)
      assert.deepInclude(last.result, run)
      assert.deepStrictEqual(events.flatMap((event) => event._tag === "Result" ? [event.item] : []), [...run.results])
      assert.include((yield* streamed(code, programs.unicode)).events.at(-1)?._tag, "Completed")
    }))

  test(`${name}: a stream of code that raises or takes too long fails as a run does`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      const { ended, events } = yield* streamed(code, programs.raises)
      const raised = yield* failsWith(ended, "CodeExecutionError")
      assert.deepStrictEqual({ name: raised.name, value: raised.value }, programs.raised)
      assert.include(raised.traceback, programs.raised.name)
      assert.isTrue(events.every(({ _tag }) => _tag === "Stderr"))
      const late = yield* failsWith(
        (yield* streamed(code, programs.waits, "1 second")).ended,
        "ExecutionTimeoutError"
      )
      assert.strictEqual(late.timeoutMillis, 1000)
      assert.strictEqual((yield* code.runCode(programs.prints.code, name)).text, "42")
    }))
}

const language = (test: Test, name: AgbTools.Language, programs: LanguagePrograms) => {
  test(`${name}: the last value, standard output and standard error are told apart`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      const run = yield* code.runCode(programs.prints.code, name)
      assert.deepStrictEqual([run.text, run.stdout, run.stderr], ["42", "out\n", "err\n"])
      assert.isTrue(run.results.some(({ isMainResult }) => isMainResult))
    }))

  test(`${name}: the kernel keeps its state, and each session has its own`, () =>
    Effect.gen(function*() {
      const first = yield* Session.make({ imageId })
      const second = yield* Session.make({ imageId })
      yield* first.code.runCode(programs.keeps.code, name)
      assert.strictEqual((yield* first.code.runCode(programs.uses.code, name)).text, "42")
      yield* failsWith(second.code.runCode(programs.uses.code, name), "CodeExecutionError")
    }))

  test(`${name}: code that raises is an error with name, value and traceback`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      const error = yield* failsWith(code.runCode(programs.raises.code, name), "CodeExecutionError")
      assert.deepStrictEqual({ name: error.name, value: error.value }, programs.raised)
      assert.include(error.traceback, programs.raised.name)
      assert.strictEqual(error.language, name)
      assert.strictEqual((yield* code.runCode(programs.prints.code, name)).text, "42")
    }))

  test(`${name}: code that takes too long is stopped, and the session goes on`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      const error = yield* failsWith(
        code.runCode(programs.forever.code, name, { timeout: "1 second" }),
        "ExecutionTimeoutError"
      )
      assert.strictEqual(error.timeoutMillis, 1000)
      assert.strictEqual((yield* code.runCode(programs.prints.code, name)).text, "42")
    }))

  test(`${name}: characters beyond ASCII arrive whole`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      assert.include((yield* code.runCode(programs.unicode.code, name)).text, "naïve 🎈 日本")
    }))
}

/** A test of what a session can only do with a language. */
const needing = (test: Test, language: AgbTools.Language): Test => (name, body) => test(name, body, language)

export const code: Contract = (test) => {
  for (const [name, programs] of [["python", python], ["javascript", javascript]] as const) {
    language(needing(test, name), name, programs)
    streams(needing(test, name), name, programs)
  }

  needing(test, "python")(
    "python and javascript have a kernel each, under any of their names",
    () =>
      Effect.gen(function*() {
        const { code } = yield* Session.make({ imageId })
        yield* code.runCode(python.keeps.code, "py")
        yield* code.runCode(javascript.keeps.code, "JS")
        assert.strictEqual((yield* code.runCode(python.uses.code, " Python3 ")).text, "42")
        assert.strictEqual((yield* code.runCode(javascript.uses.code, "node")).text, "42")
      })
  )

  for (const program of [java, r]) {
    needing(test, program.language)(`${program.language}: runs and gives its last value`, () =>
      Effect.gen(function*() {
        const { code } = yield* Session.make({ imageId })
        assert.include((yield* code.runCode(program.code, program.language)).text, "42")
      }))
  }
}
