import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
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
        const loaded = yield* script("export * from 'node:fs'\nexport { sep as between } from 'node:path'")
        assert.deepInclude(loaded, { error: null, results: [] })
      }))
  })

  layer(Agent.layer)("globals", (it) => {
    it.effect("include navigator, as Node 21 and newer have it", () =>
      Effect.gen(function*() {
        const code = `
          const { get, ...property } = Object.getOwnPropertyDescriptor(globalThis, "navigator")
          let refused
          try { new Navigator() } catch (error) { refused = error.code }
          JSON.stringify({
            property, refused,
            type: [navigator instanceof Navigator, Object.keys(navigator), Object.keys(globalThis).includes("Navigator")],
            members: Object.keys(Navigator.prototype),
            values: [navigator.hardwareConcurrency > 0, navigator.language, navigator.languages, navigator.platform],
            isFrozen: Object.isFrozen(navigator.languages),
            userAgent: navigator.userAgent === "Node.js/" + process.version.slice(1).split(".")[0]
          })`
        const { error, results: [result] } = yield* script(code)
        assert.isNull(error)
        const architecture = process.arch === "x64" ? "x86_64" : process.arch
        assert.deepStrictEqual(JSON.parse(String(result?.["text/plain"]).slice(1, -1)), {
          property: { enumerable: true, configurable: true },
          refused: "ERR_ILLEGAL_CONSTRUCTOR",
          type: [true, [], false],
          members: ["hardwareConcurrency", "language", "languages", "userAgent", "platform"],
          values: [true, "en-US", ["en-US"], `Linux ${architecture}`],
          isFrozen: true,
          userAgent: true
        })
      }))
  })

  layer(Agent.layer)("the place of the code", (it) => {
    it.effect("is that of Node's main module", () =>
      Effect.gen(function*() {
        const code =
          "console.log(this === exports, (() => this)() === exports, (function() { return this })() === globalThis,\n" +
          "  class { static own = this }.own === exports, module.id, module.parent, module.children, module.exports,\n" +
          "  module.paths.includes(__dirname + '/node_modules'), module.path === __dirname)"
        const { error, stdout } = yield* script(code)
        assert.isNull(error)
        assert.strictEqual(stdout, "true true true false . null [] {} true true\n")
      }))

    it.effect("is given to threads that begin with it", () =>
      Effect.gen(function*() {
        for (
          const code of [
            "const t = require('worker_threads'); if (t.isMainThread) new t.Worker(__filename, { workerData: 5 })" +
            ".on('message', (m) => console.log('got', m)); else t.parentPort.postMessage(t.workerData * 2); 7",
            "import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'\n" +
            "if (isMainThread) new Worker(new URL(import.meta.url), { workerData: 5 as number })" +
            ".on('message', (m) => console.log('got', m)); else parentPort!.postMessage(workerData * 2)",
            "const w = require('worker_threads'); await null; if (w.isMainThread) new w.Worker(__filename, { workerData: 5 })" +
            ".on('message', (m) => console.log('got', m)); else w.parentPort.postMessage(w.workerData * 2); 7"
          ]
        ) {
          assert.deepInclude(yield* script(code), { stdout: "got 10\n", stderr: "", error: null }, code)
        }
      }))

    it.effect("is given to processes that begin with it", () =>
      Effect.gen(function*() {
        for (
          const code of [
            "const { fork } = require('child_process'); if (process.argv[2] === undefined) fork(__filename, ['7'])" +
            ".on('message', (m) => console.log('got', m)); else process.send(process.argv[2] + 3)",
            "import { fork } from 'node:child_process'; import { fileURLToPath } from 'node:url'\n" +
            "if (process.argv[2]) process.send!(process.argv[2] + 3)\n" +
            "else fork(fileURLToPath(import.meta.url), ['7']).on('message', (m: string) => console.log('got', m))",
            "const cluster = require('cluster'); if (cluster.isPrimary) cluster.fork({ N: '7' })" +
            ".on('message', (m) => console.log('got', m)); else process.send(process.env.N + 3, () => process.exit())",
            "const { spawn } = require('child_process'); if (process.argv[2]) console.log('got', process.argv[2] + 3)\n" +
            "else spawn(process.execPath, [__filename, '7'], { stdio: 'pipe' }).stdout.pipe(process.stdout)"
          ]
        ) {
          assert.deepInclude(yield* script(code), { stdout: "got 73\n", stderr: "", error: null }, code)
        }
      }))

    it.effect("may return, as from a function", () =>
      Effect.gen(function*() {
        const returned = yield* script(
          "const found = 3\nif (found > 2) { console.log('early'); return found * 2 }\nlate()"
        )
        assert.deepInclude(returned, { stdout: "early\n", error: null })
        assert.strictEqual(main(returned), "6")
        const nested = yield* script("globalThis.runs = (globalThis.runs ?? 0) + 1\neval('return 1')")
        assert.deepInclude(nested.error, { name: "SyntaxError", value: "Illegal return statement" })
        assert.strictEqual(main(yield* script("runs")), "1")
        assert.strictEqual(
          main(yield* script("console.profile(); console.profileEnd(); console.timeStamp('a'); 8")),
          "8"
        )
      }))

    it.effect("is before the first turn of the event loop", () =>
      Effect.gen(function*() {
        const { stdout } = yield* script(
          "setImmediate(() => console.log('immediate')); setTimeout(() => console.log('timer'))\n" +
            "const end = Date.now() + 5; while (Date.now() < end);"
        )
        assert.strictEqual(stdout, "timer\nimmediate\n")
      }))

    it.effect("lets declarations take the names of globals, also of those that the kernel uses", () =>
      Effect.gen(function*() {
        for (const name of ["crypto", "navigator"]) {
          assert.strictEqual(main(yield* script(`var ${name} = 5; ${name}`)), "5", name)
        }
        yield* script("var leave = process.exit, told = console, set = setTimeout")
        for (
          const code of [
            "function process(item) { return item }",
            "class Map {}\nclass Set {}\nclass Error {}\nclass Promise {}",
            "const performance = {}, Buffer = 1, JSON = 2, String = 3, Array = 4, Reflect = 5, Symbol = 6, console = 7"
          ]
        ) {
          assert.deepInclude(yield* script(code), { error: null, died: null }, code)
          const next = yield* script("import { sep } from 'node:path'\nset(() => told.log('late'), 5)\nsep")
          assert.deepInclude(
            next,
            { error: null, died: null, stdout: "late\n", stderr: "", kernelRestarted: false },
            code
          )
          assert.strictEqual(main(next), "'/'", code)
        }
        assert.deepInclude((yield* script("null.x")).error, { name: "TypeError" })
        assert.deepInclude((yield* script("leave(3)")).error, { name: "Exit" })
      }))
  })

  layer(Agent.layer)("modules", (it) => {
    const files = Effect.map(Agent.AgentProcess, ({ home }) => {
      Fs.writeFileSync(Path.join(home, "tiny.mjs"), "export const hi = 'hey'\nexport default class Tiny {}\n")
      Fs.writeFileSync(Path.join(home, "old.cjs"), "module.exports = { width: 8 }")
      Fs.writeFileSync(Path.join(home, "c.json"), "{\"a\":1}")
    })

    it.effect("are loaded before everything else, wherever they stand, and their names must be there", () =>
      Effect.gen(function*() {
        yield* files
        const late = yield* script(
          "'use strict'\nconsole.log(use())\nimport { sep } from 'node:path'\nfunction use() { return sep }"
        )
        assert.deepInclude(late, { error: null, stdout: "/\n" })
        const all = "import T, * as all from './tiny.mjs'\nimport c from './c.json' with { type: 'json' }\n" +
          "import { hi as hello, default as U } from './tiny.mjs';[T === U, hello, Object.keys(all), c.a]"
        assert.strictEqual(main(yield* script(all)), "[ true, 'hey', [ 'default', 'hi' ], 1 ]")
        for (const code of ["import { nope } from './tiny.mjs'", "export { nope as other } from './tiny.mjs'"]) {
          assert.deepInclude((yield* script(code)).error, {
            name: "SyntaxError",
            value: "The requested module './tiny.mjs' does not provide an export named 'nope'"
          })
        }
        const named = yield* script("import { width } from './old.cjs'")
        assert.match(named.error?.value ?? "", /^Named export 'width' not found[^]*import pkg from '.\/old.cjs'/)
        const typed = "import { type A, hi, OnlyAType } from './tiny.mjs'\nlet b: OnlyAType | string = hi\nb"
        assert.strictEqual(main(yield* script(typed)), "'hey'")
      }))

    it.effect("are told from other uses of their words", () =>
      Effect.gen(function*() {
        yield* files
        const method = "class Box { import(x) { return `got ${x}` } static export() {} }\nnew Box().import(1)"
        assert.strictEqual(main(yield* script(method)), "'got 1'")
        assert.strictEqual(
          main(yield* script("const o = { import: (x) => x, export: 2 }; o.import(3) + o.export")),
          "5"
        )
        const nested =
          "const f = async () => ({ all: await import('./tiny.mjs') });(await f()).all.hi + import.meta.filename.length"
        assert.match(String(main(yield* script(nested))), /^'hey\d+'$/)
        assert.strictEqual(
          main(yield* script("'x'.replace(/import (.)/, '') + `${(await import('./tiny.mjs')).hi}`")),
          "'xhey'"
        )
      }))

    it.effect("give the value of a default export", () =>
      Effect.gen(function*() {
        for (
          const [code, value] of [
            ["export default { port: 80 }", "{ port: 80 }"],
            ["let before = 1\nexport default (before, 42)\nexport { before }", "42"],
            ["export default async () => 1", "[AsyncFunction (anonymous)]"],
            ["export default function () {}\n", "[Function (anonymous)]"],
            ["export default await import('node:path').then(({ sep }) => sep)", "'/'"]
          ] as const
        ) assert.strictEqual(main(yield* script(code)), value, code)
        assert.strictEqual(main(yield* script("export default function named() { return 5 }\nnamed()")), "5")
      }))

    it.effect("are strict, without a `this`, and refused as Node refuses them", () =>
      Effect.gen(function*() {
        const strict = yield* script(
          "import 'node:fs'\nconsole.log(this, (() => this)(), (function() { return this })())"
        )
        assert.deepInclude(strict, { error: null, stdout: "undefined undefined undefined\n", results: [] })
        for (
          const [code, name, value, place] of [
            ["import 'node:fs'\nnowhere = 1", "ReferenceError", "nowhere is not defined", ":2:"],
            ["export const one = 1; var package = 3", "SyntaxError", "Unexpected strict mode reserved word", ":1\n"],
            ["import 'node:fs'\nconst a, b = 1", "SyntaxError", "Missing initializer in const declaration", ":2\n"],
            ["console.log(1)\nexport { nobody }", "SyntaxError", "Export 'nobody' is not defined in module", ":2\n"],
            [
              "export default 1\nexport default 2",
              "SyntaxError",
              "Identifier '.default' has already been declared",
              ":2\n"
            ],
            [
              "import.meta\nfunction f(a, a) {}",
              "SyntaxError",
              "Duplicate parameter name not allowed in this context",
              ":2\n"
            ]
          ] as const
        ) {
          const { error, executionCount, stderr, stdout } = yield* script(code)
          assert.deepInclude(error, { name, value }, code)
          assert.include(error?.traceback, `run-${executionCount}${place}`, code)
          assert.strictEqual(stdout + stderr, "", code)
        }
        yield* script("let known = 1; function knownToo() {}")
        const again = yield* script("export { known, knownToo }\nexport { known as other }")
        assert.deepInclude(again, { error: null, results: [] })
        const typed = yield* script(
          "interface Shape { n: number }\nlet shape: Shape = { n: 1 }\nexport { Shape, shape }"
        )
        assert.deepInclude(typed, { error: null, results: [] })
      }))

    it.effect("tell where they do not parse", () =>
      Effect.gen(function*() {
        const { error, executionCount } = yield* script("import { sep } from 'node:path'\nlet ok = 1\nlet wrong = ;")
        assert.deepInclude(error, { name: "SyntaxError", value: "Unexpected token ';'" })
        assert.include(error?.traceback, `run-${executionCount}:3\nlet wrong = ;\n            ^`)
      }))
  })

  layer(Agent.layer)("typescript", (it) => {
    it.effect("is found by calls with type arguments, in any text in linear time", () =>
      Effect.gen(function*() {
        yield* script("function id<T>(v: T): T { return v }")
        for (
          const call of [
            "id<Array<string>>(5)",
            "id<{ a: string; b: () => void }>(5)",
            "id<'<' | \">\">(5)",
            "id<typeof id>(5)"
          ]
        ) assert.strictEqual(main(yield* script(call)), "5", call)
        const [a, b, c, d] = ["1", "2", "3", "4"]
        assert.strictEqual(
          main(yield* script(`[${a} < ${b}, ${c} >(${d}), ${a}<${b} && ${c}>(${d})]`)),
          "[ true, false, false ]"
        )
        const rows = Array.from({ length: 20_000 }, (_, index) => `"p<0.0${index % 9}>("`).join(", ")
        const { executionTime, results } = yield* script(`const rows = [${rows}]\nrows.length`)
        assert.strictEqual(results[0]?.["text/plain"], "20000")
        // A quadratic search takes minutes.
        assert.isBelow(executionTime, 10)
      }))

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
        for (
          const [code, value] of [
            ["const view = <div>text</div>", "Unexpected token '<'"],
            ["console.log(1; // no end", "missing ) after argument list"],
            ["function (name) {\n  return name\n}", "Function statements require a function name"],
            ["> 1 + 1\n2", "Unexpected token '>'"],
            ["2 * 2 = 4", "Invalid left-hand side in assignment"],
            ["const all = { … }", "Invalid or unexpected token"]
          ] as const
        ) assert.deepInclude((yield* script(code)).error, { name: "SyntaxError", value }, code)
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
        const earlier = yield* script(
          "var once = setInterval(() => { clearInterval(once); throw new Error('of before') }, 50)"
        )
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
