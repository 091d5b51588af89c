import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Agent from "../support/agent/agentProcess.js"

const script = (code: string, options?: object) => Agent.run("javascript", code, options)

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

describe.skipIf(process.platform !== "linux")("javascript kernel", () => {
  layer(Agent.layer)("values", (it) => {
    it.effect("may be objects without parentheses, while blocks stay blocks", () =>
      Effect.gen(function*() {
        assert.strictEqual(main(yield* script("{ a: 1, b: await Promise.resolve(2) }\n")), "{ a: 1, b: 2 }")
        assert.strictEqual(main(yield* script("{ a: 1 }")), "{ a: 1 }")
        assert.strictEqual(main(yield* script("{ const inner = 5; inner }")), "5")
        assert.strictEqual(main(yield* script("{ a: 1 };")), "1")
        const { error, executionCount } = yield* script("{\n  a: 1,\n  b: nothing\n}")
        assert.include(error?.traceback, `run-${executionCount}:3:6`)
      }))

    it.effect("may be exported, which declares them", () =>
      Effect.gen(function*() {
        const first = yield* script([
          "import { sep } from 'node:path'",
          "export const x = 1, text = `export const ${sep} import`",
          "export async function f() { return x + 1 }",
          "export default class A {}",
          "export { x, f as g }",
          "await f()"
        ].join("\n"))
        assert.strictEqual(main(first), "2")
        const typed = "export interface B { n: number }\nexport enum E { One = 1 }\nexport const b: B = { n: E.One }\nb"
        assert.strictEqual(main(yield* script(typed)), "{ n: 1 }")
        assert.strictEqual(main(yield* script("[x, text, A.name]")), "[ 1, 'export const / import', 'A' ]")
        const { error, executionCount } = yield* script("export const y = 1\ny.z.w")
        assert.include(error?.traceback, `run-${executionCount}:2:5`)
        assert.strictEqual((yield* script("export * from 'node:fs'")).error?.value, "Unexpected token 'export'")
      }))
  })

  layer(Agent.layer)("typescript", (it) => {
    it.effect("takes types away and keeps the state", () =>
      Effect.gen(function*() {
        const first = yield* script("interface P { x: number }\nconst p: P = { x: 40 } as P\np.x satisfies number")
        assert.strictEqual(main(first), "40")
        assert.strictEqual(main(yield* script("function id<T>(v: T): T { return v }\nid<number>(p.x) + 2")), "42")
        assert.strictEqual(main(yield* script("id<string>('plain')")), "'plain'")
        assert.strictEqual(main(yield* script("type N = number; const n: N = await Promise.resolve<N>(3); n")), "3")
        const code =
          "import type { X } from 'nowhere'\nimport { type Stats, sep } from 'node:path'\nlet s: string = sep\ns"
        assert.strictEqual(main(yield* script(code)), "'/'")
      }))

    it.effect("has enums, namespaces and parameter properties", () =>
      Effect.gen(function*() {
        const first = yield* script([
          "enum Color { Red, Green = 5 }",
          "namespace Box { export const size = 3 }",
          "class Point {",
          "  constructor(private readonly x: number) {}",
          "  fail(): never {",
          "    throw new RangeError(`at ${this.x}`)",
          "  }",
          "}",
          "[Color.Green, Color[0], Box.size]"
        ].join("\n"))
        assert.strictEqual(main(first), "[ 5, 'Red', 3 ]")
        const { error, executionCount } = yield* script("Color.Red\nnew Point(1).fail()")
        assert.include(error?.traceback, `at Point.fail (run-${executionCount - 1}:6:`)
        assert.include(error?.traceback, `at run-${executionCount}:2:14`)
      }))

    it.effect("tells errors by the user's own lines and columns", () =>
      Effect.gen(function*() {
        const thrown = yield* script(
          "interface A { x: number }\n\nconst a: A = { x: 1 }\n;(() => { throw new TypeError('four') })()"
        )
        assert.include(thrown.error?.traceback, `run-${thrown.executionCount}:4:17`)
        const typed = yield* script("interface B { x: number }\nlet fine: number = 1\nlet wrong: number = ;")
        assert.deepInclude(typed.error, { name: "SyntaxError", value: "Expression expected" })
        assert.include(
          typed.error?.traceback,
          `run-${typed.executionCount}:3\nlet wrong: number = ;\n${" ".repeat(20)}^`
        )
        const plain = yield* script("let wrong = ;")
        assert.deepInclude(plain.error, { name: "SyntaxError", value: "Unexpected token ';'" })
      }))

    it.effect("finds what modules have, its place and whether it is the main one", () =>
      Effect.gen(function*() {
        const main = yield* script(
          "if (require.main === module) console.log('main')\nmodule.exports = { a: 1 }\nexports.a = 2"
        )
        assert.deepInclude(main, { error: null, stdout: "main\n" })
        const place = yield* script([
          "import { createRequire } from 'node:module'",
          "const load = createRequire(import.meta.url)",
          "const here = process.cwd()",
          "const { fileURLToPath } = load('node:url')",
          "console.log(fileURLToPath(import.meta.url) === __filename)",
          "console.log(import.meta.dirname === here && __dirname === here)"
        ].join("\n"))
        assert.deepInclude(place, { error: null, stdout: "true\ntrue\n" })
      }))

    it.effect("prints stacks without what runs the code", () =>
      Effect.gen(function*() {
        const { executionCount, stderr, stdout } = yield* script(
          "function f() {\n  console.error(new RangeError('logged'))\n}\nf()\nconsole.log([new Error('inner')])\n" +
            "try { require('fs').readFileSync(5.5) } catch (error) { console.log(error.stack) }"
        )
        const run = `run-${executionCount}`
        assert.strictEqual(stderr, `RangeError: logged\n    at f (${run}:2:17)\n    at ${run}:4:1\n`)
        const lines = stdout.split("\n")
        assert.deepStrictEqual(lines.slice(0, 4), ["[", "  Error: inner", `      at ${run}:5:14`, "]"])
        assert.match(lines[4] ?? "", /^TypeError \[ERR_INVALID_ARG_TYPE\]: The "path"/)
        assert.strictEqual(lines.at(-2), `    at ${run}:6:21`)
      }))

    it.effect("says where a name is declared otherwise, and what is wrong elsewhere", () =>
      Effect.gen(function*() {
        yield* script("let taken = 1")
        for (const code of ["var taken = 2", "\nvar free = 1, taken = 2", "taken\nfunction taken() {}"]) {
          const { error, executionCount } = yield* script(code)
          assert.strictEqual(error?.value, "Identifier 'taken' has already been declared")
          assert.include(error?.traceback, `run-${executionCount}:${code.split("\n").length}\n`, code)
        }
        const code = "require('fs').writeFileSync('bad.mjs', 'export default = 5')\nawait import('./bad.mjs')"
        const { error, executionCount } = yield* script(code)
        assert.strictEqual(error?.value, "Unexpected token '='")
        assert.notInclude(error?.traceback, `run-${executionCount}:1`)
      }))

    it.effect("tells causes with the user's own lines alone", () =>
      Effect.gen(function*() {
        const { error, executionCount } = yield* script(
          "try { null.x } catch (cause) {\n  throw new Error('outer', { cause })\n}"
        )
        assert.strictEqual(
          error?.traceback.replaceAll(`run-${executionCount}`, "run"),
          "Error: outer\n    at run:2:9 {\n  [cause]: TypeError: Cannot read properties of null (reading 'x')\n      at run:1:12\n}"
        )
      }))

    it.effect("says where code ends too early, and what it does not know", () =>
      Effect.gen(function*() {
        const early = yield* script("function f() {\n  return 1\n\nf()\n\n")
        assert.strictEqual(
          early.error?.traceback,
          `run-${early.executionCount}:4\nf()\n   ^\n\nSyntaxError: Unexpected end of input`
        )
        const decorated = yield* script("class A {\n  @log run() {}\n}")
        assert.strictEqual(decorated.error?.value, "Decorators are not supported")
        assert.include(decorated.error?.traceback, `run-${decorated.executionCount}:2\n`)
      }))

    it.effect("runs nothing twice", () =>
      Effect.gen(function*() {
        const thrown = yield* script("var times = (globalThis.times ?? 0) + 1; JSON.parse('{')")
        assert.strictEqual(thrown.error?.name, "SyntaxError")
        assert.strictEqual(main(yield* script("times")), "1")
      }))
  })

  layer(Agent.layer)("ends", (it) => {
    it.effect("a run with what nobody caught", () =>
      Effect.gen(function*() {
        const forever = "await new Promise(() => {})"
        const timer = yield* script(`\nsetTimeout(() => { throw new TypeError('in a timer') }, 5); ${forever}`)
        assert.deepInclude(timer.error, { name: "TypeError", value: "in a timer" })
        assert.include(timer.error?.traceback, `run-${timer.executionCount}:2:`)
        const rejected = yield* script(`Promise.reject(new RangeError('unhandled')); ${forever}`)
        assert.deepInclude(rejected.error, { name: "RangeError", value: "unhandled" })
        const earlier = yield* script("setTimeout(() => { throw new Error('of before') }, 50); 0")
        const other = yield* script("await new Promise((done) => setTimeout(() => done('own'), 200))")
        assert.strictEqual(earlier.error, null)
        assert.strictEqual(main(other), "'own'")
        assert.include(earlier.stderr + other.stderr, "of before")
      }))

    it.effect("whoever reads standard input", () =>
      Effect.gen(function*() {
        const said = "There is no standard input"
        const lines = "require('readline').createInterface({ input: process.stdin })"
        for (
          const code of [
            `await new Promise((done) => ${lines}.question('? ', done))`,
            "await require('readline/promises').createInterface({ input: process.stdin }).question('? ')",
            `for await (const line of ${lines}) line`,
            "for await (const chunk of process.stdin) chunk",
            "prompt('name')"
          ]
        ) assert.include((yield* script(code)).error?.value, said, code)
        assert.strictEqual(main(yield* script("require('fs').readFileSync(0, 'utf8')")), "''")
      }))

    it.effect("the timers of an interrupted run, and no others", () =>
      Effect.gen(function*() {
        yield* script(
          "var ticks = 0; (async () => { for (;;) { await new Promise((r) => setTimeout(r, 5)); ticks++ } })(); 0"
        )
        yield* script("var hits = 0; setInterval(() => hits++, 5); 0")
        const stopped = yield* script(
          "var own = 0; setInterval(() => own++, 5); setTimeout(() => { own = 1e6 }, 300); await new Promise(() => {})",
          { timeoutMs: 150 }
        )
        assert.strictEqual(stopped.timedOut, "interrupted")
        const code = "const at = [own, hits, ticks]; await new Promise((r) => setTimeout(r, 400));" +
          "[own > 0, own === at[0], hits > at[1], ticks > at[2]]"
        assert.strictEqual(main(yield* script(code)), "[ true, true, true, true ]")
      }))

    it.effect("a kernel whose interrupted run cannot be stopped otherwise", () =>
      Effect.gen(function*() {
        for (
          const code of [
            "await require('timers/promises').setTimeout(60_000)",
            "require('net').createServer().listen(require('path').resolve('socket')); await new Promise(() => {})"
          ]
        ) {
          yield* script("var kept = 1")
          assert.strictEqual((yield* script(code, { timeoutMs: 150 })).timedOut, "killed", code)
          const next = yield* script("typeof kept")
          assert.isTrue(next.kernelRestarted)
          assert.strictEqual(main(next), "'undefined'")
        }
      }))

    it.effect("no run because its results are streamed", () =>
      Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          const { error, events } = yield* script("console.log('out'); await 0; 7", { stream: true })
          assert.isNull(error)
          assert.deepStrictEqual(events.map(({ event }) => event), ["stdout", "result"])
        }
      }))

    it.effect("with what a value shows of itself", () =>
      Effect.gen(function*() {
        const { results } = yield* script(
          "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>1</b>', 'application/json': { a: 1 } }) })"
        )
        assert.deepInclude(results[0], { "text/html": "<b>1</b>", "application/json": { a: 1 }, isMainResult: true })
      }))
  })
})
