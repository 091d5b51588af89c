/** Java beside what the `java` launcher and jshell do. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Agent from "../support/agent/agentProcess.js"

const run = (code: string) => Agent.run("java", code, { timeoutMs: 60_000 })

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

describe.skipIf(Agent.interpreters.java === undefined || process.platform !== "linux")("java kernel", () => {
  layer(Agent.layer)("code", (it) => {
    it.effect("calls the main method of code that only declares types, as a program", () =>
      Effect.gen(function*() {
        const source = "/* A program. */\npackage com.example;\n\nimport java.util.List;\n\nclass Greeting {\n" +
          "  static String of(String name) {\n    return \"hi \" + name;\n  }\n}\n\npublic class App {\n" +
          "  public static void main(String... names) throws Exception {\n" +
          "    System.out.println(Greeting.of(\"you\") + names.length);\n    throw new Exception(\"end\");\n  }\n}"
        const program = yield* run(source)
        assert.strictEqual(program.stdout, "hi you0\n")
        assert.deepInclude(program.error, { name: "Exception", value: "end" })
        assert.include(program.error?.traceback, `at main(run-${program.executionCount}:15)`)
        for (const more of ["\n5", "\nint y = 5;", "\nApp.class.getName();"]) {
          const called = yield* run(
            `public class App {\n  public static void main(String[] names) {\n    System.out.println("no");\n  }\n}${more}`
          )
          assert.deepInclude(called, { error: null, stdout: "" }, more)
        }
        assert.strictEqual((yield* run("App.main(null)")).stdout, "no\n")
        const exit = "public class Leaving {\n  public static void main(String[] names) {\n    System.exit(3);\n  }\n}"
        assert.deepInclude((yield* run(exit)).error, { name: "Exit" })
      }))

    it.effect(
      "takes statements without semicolons a line each, and records with their own constructors",
      () =>
        Effect.gen(function*() {
          const lines = yield* run(
            "int one = 1\nint two = one +\n  1\nSystem.out.println(two)\nList.of(one, two)\n  .size() + 40"
          )
          assert.deepInclude(lines, { error: null, stdout: "2\n" })
          assert.strictEqual(main(lines), "42")
          const joined = yield* run("String joined = \"a\"\n  + \"b\"\nint after = 1\njoined + after")
          assert.strictEqual(main(joined), "\"ab1\"")
          const missing = yield* run("String missing = null;\nmissing.length()")
          assert.include(missing.error?.value, "because \"missing\" is null")
          const wrong = yield* run("int wrong = 1\nint more = = 2")
          assert.strictEqual(wrong.error?.name, "CompileError")
          const record = yield* run(
            "record Span(int from, int to) {\n  Span {\n    if (from > to) throw new IllegalArgumentException(\"no\");\n  }\n}\nnew Span(2, 1)"
          )
          assert.deepInclude(record.error, { name: "IllegalArgumentException", value: "no" })
          assert.include(record.error?.traceback, `(run-${record.executionCount}:3)`)
        })
    )

    it.effect("keeps definitions that need later ones, and says so, as jshell does", () =>
      Effect.gen(function*() {
        const defined = yield* run(
          "int early() { return later() + 1; }\nclass Knot { Later next; }\ninterface Part { default int size() { return many(1) + few; } }"
        )
        assert.deepInclude(defined, {
          error: null,
          stderr: "created method early(), however, it cannot be invoked until method later() is declared\n" +
            "created class Knot, however, it cannot be referenced until class Later is declared\n" +
            "created interface Part, however, its methods cannot be invoked until method many(int), and variable few are declared\n"
        })
        const called = yield* run("int ready = 1;\nready + early()")
        const reason = "attempted to call method early() which cannot be invoked until method later() is declared"
        assert.deepInclude(called.error, { name: "UnresolvedReferenceException", value: reason })
        assert.include(called.error?.traceback, `at run-${called.executionCount}:2`)
        const changed = yield* run("int early() { return later() + 2; }")
        assert.match(changed.stderr, /^modified method early\(\), however, it /)
        const completed = yield* run(
          "class Later {}\nint later() { return 40; }\nint odd() { return even(); }\nint even() { return 2; }"
        )
        assert.deepInclude(completed, { error: null, stderr: "" })
        assert.strictEqual(main(yield* run("new Knot().next == null ? early() : 0")), "42")
        const program = yield* run(
          "class Unfinished {\n  public static void main(String[] names) {\n    nowhere();\n  }\n}"
        )
        assert.strictEqual(program.error?.name, "CompileError")
        assert.include(program.error?.traceback, `run-${program.executionCount}:3: error: cannot find symbol`)
      }))

    it.effect("leaves uncaught exceptions of threads to the default handler that the code sets", () =>
      Effect.gen(function*() {
        const set = yield* run(
          "Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> System.out.println(\"caught \" + thrown.getMessage()));\n" +
            "Thread first = new Thread(() -> { throw new IllegalStateException(\"one\"); });\nfirst.start();\nfirst.join();"
        )
        assert.deepInclude(set, { error: null, stdout: "caught one\n", stderr: "" })
        const later = "new Thread(() -> { throw new IllegalStateException(\"two\"); }).start();"
        assert.deepInclude(yield* run(later), { error: null, stdout: "caught two\n", stderr: "" })
        const failing = yield* run(
          "{ Thread.setDefaultUncaughtExceptionHandler(Thread.getDefaultUncaughtExceptionHandler()); throw new Exception(\"own\"); }"
        )
        assert.deepInclude(failing, { stdout: "", stderr: "" })
        assert.deepInclude(failing.error, { name: "Exception", value: "own" })
        const unset = yield* run(`Thread.setDefaultUncaughtExceptionHandler(null);\n${later}`)
        assert.strictEqual(unset.stdout, "")
        assert.match(unset.stderr, /^Exception in thread "Thread-\d+" java.lang.IllegalStateException: two\n/)
      }))
  })
})
