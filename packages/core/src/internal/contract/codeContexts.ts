/** Code contexts: several kernels of a language in one session. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type * as AgbTools from "../../AgbTools.js"
import type * as Code from "../../Code.js"
import * as Session from "../../Session.js"
import { assert, failsWith } from "./assert.js"
import { type Contract, imageId, type Test } from "./contractCase.js"
import { javaPrograms, javascript, type LanguagePrograms, python, rPrograms } from "./programs.js"

/** What differs between the languages. */
interface Sample extends LanguagePrograms {
  readonly name: AgbTools.Language
  /** 42, and how it is shown. */
  readonly answer: string
  /** Says `begun`, and goes on for long without using the processor. */
  readonly begins: string
  readonly interrupted: string
  /** Ends the kernel. */
  readonly dies: string
  readonly folderAndVariable: string
  /** Prints `ü`, has 5 as its last value, and may display something before. */
  readonly displays: string
  readonly displayed: Array<string>
  readonly prints300k: string
}

const samples: ReadonlyArray<Sample> = [
  {
    ...python,
    name: "python",
    answer: "42",
    begins: "import time\nprint('begun')\ntime.sleep(100)",
    interrupted: "KeyboardInterrupt",
    dies: "import os\nos._exit(3)",
    folderAndVariable: "import os\nprint(os.getcwd(), os.environ['A'])",
    displays: "display('shown')\nprint('ü')\n5",
    displayed: ["'shown'", "5"],
    prints300k: "print('ü' * 300_000, end='')"
  },
  {
    ...javascript,
    name: "javascript",
    answer: "42",
    begins: "console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 100_000))",
    interrupted: "Interrupted",
    dies: "process.exit(3)",
    folderAndVariable: "console.log(process.cwd(), process.env.A)",
    displays: "display('shown'); console.log('ü'); 5",
    displayed: ["'shown'", "5"],
    prints300k: "process.stdout.write('ü'.repeat(300_000)); undefined"
  },
  {
    ...javaPrograms,
    name: "java",
    answer: "42",
    begins: "System.out.println(\"begun\"); Thread.sleep(100_000);",
    interrupted: "Interrupted",
    dies: "System.exit(3)",
    folderAndVariable: "System.out.println(System.getProperty(\"user.dir\") + \" \" + System.getenv(\"A\"))",
    displays: "System.out.println(\"ü\"); 5",
    displayed: ["5"],
    prints300k: "System.out.print(\"ü\".repeat(300_000))"
  },
  {
    ...rPrograms,
    name: "r",
    answer: "[1] 42",
    begins: "cat('begun\\n'); Sys.sleep(100)",
    interrupted: "Interrupted",
    dies: "quit('no', 3)",
    folderAndVariable: "cat(getwd(), Sys.getenv('A')); cat('\\n')",
    displays: "cat('ü\\n'); 5",
    displayed: ["[1] 5"],
    prints300k: "cat(strrep('ü', 300000))"
  }
]

const interruptedBy = (context: Code.CodeContext, code: string) =>
  Effect.gen(function*() {
    const running = yield* Effect.fork(context.runCode(code))
    // An interrupt that comes before the run does nothing.
    const stop = Effect.zipRight(context.interrupt, Effect.sleep("200 millis"))
    yield* Effect.raceFirst(Effect.forever(stop), Fiber.await(running))
    return yield* Effect.flip(Fiber.join(running))
  })

const states = (test: Test, { name, ...programs }: Sample) => {
  test(
    `${name}: contexts have a state each, in the folder and with the variables asked for`,
    () =>
      Effect.gen(function*() {
        const { code } = yield* Session.make({ imageId })
        const options = { language: name, cwd: "/usr", envs: { A: "it's $HOME" } }
        const [first, second] = yield* Effect.all([code.context(options), code.context({ language: name })])
        yield* first.runCode(programs.keeps.code)
        assert.strictEqual((yield* first.runCode(programs.uses.code)).text, programs.answer)
        const missing = yield* failsWith(second.runCode(programs.uses.code), "CodeExecutionError")
        assert.strictEqual(missing.stateKept, true)
        assert.strictEqual((yield* first.runCode(programs.folderAndVariable)).stdout, "/usr it's $HOME\n")
        const { executionCount, results, stderr, stdout, text } = yield* first.runCode(programs.prints.code)
        assert.deepStrictEqual([text, stdout, stderr, executionCount], [programs.answer, "out\n", "err\n", 4])
        assert.deepStrictEqual(results, [{ data: { "text/plain": programs.answer }, isMainResult: true }])
        assert.include((yield* first.runCode(programs.unicode.code)).text, "naïve 🎈 日本")
        const raised = yield* failsWith(first.runCode(programs.raises.code), "CodeExecutionError")
        assert.deepStrictEqual({ name: raised.name, value: raised.value }, programs.raised)
        assert.include(raised.traceback, name === "r" ? "Error: no good" : programs.raised.name)
        yield* first.restart
        assert.deepInclude(yield* failsWith(first.runCode(programs.uses.code), "CodeExecutionError"), {
          stateKept: true
        })
      }),
    name
  )

  test(`${name}: a context streams what its code shows, to slow readers too`, () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId })
      const context = yield* code.context({ language: name })
      const events = [...yield* Stream.runCollect(context.runCodeStream(programs.displays))]
      const shown = events.flatMap((event) => event._tag === "Result" ? [event.item.data["text/plain"]] : [])
      assert.deepStrictEqual(shown, programs.displayed)
      assert.deepStrictEqual(events.flatMap((event) => event._tag === "Stdout" ? [event.text] : []).join(""), "ü\n")
      assert.strictEqual(events.at(-1)?._tag, "Completed")
      const { stdout } = yield* context.runCode(programs.prints300k)
      assert.strictEqual(stdout, "ü".repeat(300_000))
      const taken = yield* Stream.runHead(context.runCodeStream(programs.begins))
      assert.deepInclude(taken, { _tag: "Some" })
      assert.strictEqual((yield* context.runCode(programs.prints.code)).text, programs.answer)
    }), name)
}

const ends = (test: Test, { name, ...programs }: Sample) => {
  test(
    `${name}: interrupts and time limits keep the state of a context, and a death says that it is lost`,
    () =>
      Effect.gen(function*() {
        const { code } = yield* Session.make({ imageId })
        const context = yield* code.context({ language: name })
        yield* context.interrupt
        yield* context.runCode(programs.keeps.code)
        for (const source of [programs.forever.code, programs.begins]) {
          const interrupted = yield* interruptedBy(context, source)
          assert.deepInclude({ ...interrupted }, {
            _tag: "CodeExecutionError",
            name: programs.interrupted,
            stateKept: true
          })
          const late = yield* failsWith(context.runCode(source, { timeout: "1 second" }), "ExecutionTimeoutError")
          assert.deepInclude({ ...late }, { timeoutMillis: 1000, stateKept: true })
          assert.strictEqual((yield* context.runCode(programs.uses.code)).text, programs.answer)
        }
        const died = yield* failsWith(context.runCode(programs.dies), "CodeExecutionError")
        assert.deepInclude({ ...died }, { name: "KernelDied", stateKept: false })
        assert.include(died.value, "exit code 3")
        yield* failsWith(context.runCode(programs.uses.code), "CodeExecutionError")
        assert.strictEqual((yield* context.runCode(programs.prints.code)).text, programs.answer)
      }),
    name
  )
}

const refusals = (test: Test) => {
  test(
    "contexts end with their scope, a restart ends a run, and other languages are refused",
    () =>
      Effect.gen(function*() {
        const { code, command } = yield* Session.make({ imageId })
        const language = yield* failsWith(Effect.scoped(code.context({ language: "perl" })), "InvalidRequestError")
        assert.deepInclude({ ...language }, { field: "language" })
        assert.include(language.expected, "python, javascript, java or r")
        const cwd = yield* failsWith(
          Effect.scoped(code.context({ language: "python", cwd: "usr" })),
          "InvalidRequestError"
        )
        assert.strictEqual(cwd.field, "cwd")
        yield* Effect.scoped(Effect.gen(function*() {
          const context = yield* code.context({ language: "python" })
          const source = yield* failsWith(context.runCode(5 as never), "InvalidRequestError")
          assert.strictEqual(source.field, "code")
          const running = yield* Effect.fork(
            context.runCode("import subprocess, time\nsubprocess.Popen(['setsid', 'sleep', '102.5'])\ntime.sleep(100)")
          )
          yield* Effect.repeat(sleepers(command), { until: (found) => found !== "" })
          yield* context.restart
          const error = yield* failsWith(Fiber.join(running), "CodeExecutionError")
          assert.deepInclude({ ...error }, { name: "KernelDied", stateKept: false })
          assert.strictEqual((yield* context.runCode("6 * 7")).text, "42")
        }))
        assert.strictEqual(yield* sleepers(command), "")
        assert.deepStrictEqual(yield* command.listProcesses, [])
      }),
    "python"
  )
}

const sleepers = (command: Session.Session["command"]) =>
  Effect.map(
    command.executeCommand("grep -al '^sleep.102[.]5' /proc/[0-9]*/cmdline || true"),
    ({ stdout }) => stdout
  )

export const codeContexts: Contract = (test) => {
  for (const sample of samples) {
    states(test, sample)
    ends(test, sample)
  }
  refusals(test)
}
