/** How runs end: by the code's own exit, with work that goes on, with errors that nobody or the program itself handles. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"
import { slowdown } from "../support/slowdown.js"

const { interpreters, shell } = Agent
const script = (code: string, options?: object) => Agent.run("javascript", code, options)

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

const ended = { error: null, died: null, timedOut: null }

describe.skipIf(process.platform !== "linux")("a run of javascript", () => {
  layer(Agent.layer)("exits", (it) => {
    it.effect("by itself, and nothing in the code goes on after that", () =>
      Effect.gen(function*() {
        yield* script("var kept = 1")
        for (
          const code of [
            "try { console.log('bye'); process.exit(0) } catch { console.log('caught') } finally { console.log('went on') }",
            "console.log('bye'); await null; process.exit()",
            "console.log('bye'); Promise.resolve().then(() => process.exit(0)); 5",
            "console.log('bye'); setTimeout(() => { process.exit(0); console.log('went on') }, 5)",
            "console.log('bye'); require('fs').readFile('/etc/passwd', () => process.exit('0'))",
            "(async () => console.log('bye'))().then(() => process.exit(0)).catch(() => process.exit(1))",
            "setInterval(() => console.log('went on'), 20); process.once('exit', (code) => console.log(code === 0 && 'bye'));" +
            "process.exit(0)"
          ]
        ) {
          assert.deepInclude(yield* script(code), { ...ended, stdout: "bye\n", stderr: "" }, code)
          const next = yield* script("kept")
          assert.deepInclude(next, { ...ended, kernelRestarted: false, stdout: "", stderr: "" }, code)
          assert.strictEqual(main(next), "1", code)
        }
      }))

    it.effect("with a code that is an error of that run alone", () =>
      Effect.gen(function*() {
        yield* script("var kept = 2")
        for (const code of ["process.exit(3)", "await null; process.exitCode = 3; process.exit()"]) {
          const { error } = yield* script(code)
          assert.deepInclude(error, { name: "Exit", value: "The code exited with code 3" }, code)
          assert.strictEqual(main(yield* script("kept")), "2")
        }
        assert.deepInclude(yield* script("process.exitCode = 3; 1"), ended)
        assert.deepInclude(yield* script("process.exitCode = undefined; process.exit()"), ended)
      }))

    it.effect("only itself, when an earlier run exits late", () =>
      Effect.gen(function*() {
        yield* script(
          "var now = false; var once = setInterval(() => { if (now) { clearInterval(once); process.exit(1) } }, 5)"
        )
        const other = yield* script("now = true; await new Promise((done) => setTimeout(() => done('own'), 150))")
        assert.deepInclude(other, ended)
        assert.strictEqual(main(other), "'own'")
      }))
  })

  layer(Agent.layer)("goes on", (it) => {
    it.effect("for a moment with what it has started", () =>
      Effect.gen(function*() {
        for (
          const code of [
            "setTimeout(() => setTimeout(() => console.log('done'), 30), 30); 7",
            "require('timers/promises').setTimeout(40).then(() => console.log('done')); 7",
            "require('child_process').exec('sleep 0.1; echo done', (_, out) => process.stdout.write(out)); 7",
            "require('fs').promises.readFile('/etc/passwd').then(() => console.log('done')); 7",
            "require('crypto').scrypt('a', 'salt', 24, { N: 8192 }, () => require('crypto').randomFill(Buffer.alloc(9), () => console.log('done'))); 7",
            "require('crypto').pbkdf2('a', 'salt', 30_000, 64, 'sha512', () => console.log('done')); 7",
            "require('crypto').generateKeyPair('rsa', { modulusLength: 1024 }, () => console.log('done')); 7",
            "require('zlib').brotliCompress(Buffer.alloc(100_000, 'text'), () => console.log('done')); 7",
            "crypto.subtle.digest('SHA-256', Buffer.alloc(5_000_000)).then(() => console.log('done')); 7",
            "new (require('worker_threads').Worker)('setTimeout(() => {}, 50)', { eval: true })" +
            ".on('exit', () => console.log('done')); 7",
            "const server = require('net').createServer((s) => s.end('done\\n')).listen(0, () => " +
            "require('net').connect(server.address().port).on('data', (d) => process.stdout.write(d))" +
            ".on('close', () => server.close())); 7"
          ]
        ) {
          const run = yield* script(code)
          assert.deepInclude(run, { ...ended, stdout: "done\n", stderr: "" }, code)
          assert.strictEqual(main(run), "7", code)
        }
      }))

    it.effect("and tells what is left, once", () =>
      Effect.gen(function*() {
        const left = yield* script(
          "setTimeout(() => {}, 60_000); setInterval(() => {}, 1000); require('http').createServer().listen(0); 7"
        )
        assert.deepInclude(left, { ...ended, stderr: "[still going on: 1 timer, 1 interval, 1 server]\n" })
        assert.isBelow(left.executionTime, 1.5 * slowdown())
        assert.deepInclude(yield* script("setTimeout(() => {}, 60_000).unref(); 8"), { ...ended, stderr: "" })
      }))

    it.effect("where a handler of the program takes what ends the code", () =>
      Effect.gen(function*() {
        const thrown = yield* script(
          "process.on('uncaughtException', (e) => console.log(e.message)); throw new Error('a')"
        )
        assert.deepInclude(thrown, { ...ended, stdout: "a\n" })
        yield* script("process.removeAllListeners('uncaughtException')")
        const rejected = yield* script(
          "process.once('unhandledRejection', (e) => console.log(e.message)); Promise.reject(new Error('b'))"
        )
        assert.deepInclude(rejected, { ...ended, stdout: "b\n" })
        assert.strictEqual((yield* script("throw new Error('c')")).error?.value, "c")
        const main =
          "import { fileURLToPath } from 'url'\nif (process.argv[1] === fileURLToPath(import.meta.url)) console.log('main')"
        assert.strictEqual((yield* script(main)).stdout, "main\n")
      }))

    it.effect("no longer than its time, without being taken for code that ran out of it", () =>
      Effect.gen(function*() {
        const code = "var kept = 3; require('timers/promises').setTimeout(60_000); 7"
        const run = yield* script(code, { timeoutMs: 300 })
        assert.deepInclude(run, { ...ended, stderr: "[still going on: 1 timer]\n" })
        assert.strictEqual(main(run), "7")
        const loop = yield* script("setTimeout(() => { for (;;); }, 5); 7", { timeoutMs: 300 })
        assert.strictEqual(loop.timedOut, "interrupted")
        assert.strictEqual(main(yield* script("kept")), "3")
      }))

    it.effect("and what it writes later is told apart, between runs and during another", () =>
      Effect.gen(function*() {
        const first = yield* script("var once = setInterval(() => { clearInterval(once); console.log('late') }, 100)")
        yield* shell("sleep 0.5")
        const between = yield* script("console.log('own')")
        assert.strictEqual(between.stdout, "own\n")
        assert.strictEqual(between.stderr, `[from after run ${first.executionCount} had ended]\nlate\n`)
        const second = yield* script(
          "var now = false; var twice = setInterval(() => { if (now) { clearInterval(twice); console.log('late') } }, 5)"
        )
        const during = yield* script(
          "now = true; await new Promise((done) => setTimeout(done, 400)); console.log('own')"
        )
        assert.strictEqual(during.stdout, "own\n")
        assert.include(during.stderr, `[from run ${second.executionCount}, which has ended] late\n`)
      }))
  })

  layer(Agent.layer)("handles", (it) => {
    it.effect("its own uncaught errors, as in node", () =>
      Effect.gen(function*() {
        yield* script("process.on('uncaughtException', (error, origin) => console.log('own', error.message, origin))")
        const thrown = yield* script("setTimeout(() => { throw new Error('thrown') }, 5); 1")
        assert.deepInclude(thrown, { ...ended, stdout: "own thrown uncaughtException\n" })
        const rejected = yield* script("Promise.reject(new Error('rejected')); 1")
        assert.deepInclude(rejected, { ...ended, stdout: "own rejected unhandledRejection\n" })
        yield* script("process.on('unhandledRejection', (reason) => console.log('reason', reason.message)); 0")
        const reason = yield* script("Promise.reject(new Error('rejected')); 1")
        assert.deepInclude(reason, { ...ended, stdout: "reason rejected\n" })
        yield* script("process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection'); 0")
        assert.deepInclude((yield* script("Promise.reject(new RangeError('nobody')); 1")).error, { name: "RangeError" })
      }))

    it.effect("uncaught errors of a run that removes all listeners, without an end of the kernel", () =>
      Effect.gen(function*() {
        yield* script("globalThis.kept = 6")
        const late = "setTimeout(() => { throw new RangeError('late') }, 5); await new Promise(() => {})"
        for (
          const removed of [
            "process.removeAllListeners()",
            "process.removeAllListeners('uncaughtException')",
            "for (const each of process.listeners('uncaughtException')) process.off('uncaughtException', each)"
          ]
        ) {
          const thrown = yield* script(`${removed}; ${late}`)
          assert.deepInclude(thrown, { died: null }, removed)
          assert.deepInclude(thrown.error, { name: "RangeError", value: "late" }, removed)
        }
        assert.strictEqual(main(yield* script("kept")), "6")
      }))

    it.effect("connections that its servers have taken as part of them", () =>
      Effect.gen(function*() {
        const listen = "globalThis.http = require('http').createServer((_, reply) => reply.end('ok'));" +
          "await new Promise((done) => http.listen(0, done))"
        yield* script(listen)
        const fetched = yield* script("await (await fetch(`http://127.0.0.1:${http.address().port}`)).text()")
        assert.deepInclude(fetched, { ...ended, stderr: "" })
        assert.strictEqual(main(fetched), "'ok'")
        yield* script("http.close()")
      }))

    it.effect("its immediates, also after one was stopped", () =>
      Effect.gen(function*() {
        for (const stopped of ["process.exit(0)", "for (;;);"]) {
          const code =
            `setImmediate(() => console.log('first')); setImmediate(() => { ${stopped} }); await new Promise(() => {})`
          assert.strictEqual((yield* script(code, { timeoutMs: 500 })).stdout, "first\n", stopped)
          const next = yield* script(
            "await new Promise((done) => setImmediate(() => setImmediate(() => done('next'))))"
          )
          assert.deepInclude(next, { ...ended, kernelRestarted: false, stderr: "" }, stopped)
          assert.strictEqual(main(next), "'next'")
        }
      }))

    // Last: with the hooks of `node:test` a callback that is stopped ends the process.
    it.effect("all uncaught errors of the program, whatever a test runner of Node has registered", () =>
      Effect.gen(function*() {
        assert.include((yield* script("var tested = require('node:test').test('one', () => {})")).stdout, "ok 1 - one")
        assert.deepInclude((yield* script("throw new RangeError('thrown')")).error, { name: "RangeError" })
        assert.deepInclude((yield* script("Promise.reject(new RangeError('late')); 1")).error, { name: "RangeError" })
      }))
  })

  layer(Agent.layer)("waits for", (it) => {
    it.effect("a promise that nothing settles, and says so", () =>
      Effect.gen(function*() {
        for (
          const code of ["console.log('a'); await new Promise(() => {})", "console.log('a'); new Promise(() => {})"]
        ) {
          const run = yield* script(code, { timeoutMs: 500 * slowdown() })
          assert.strictEqual(run.timedOut, "interrupted", code)
          assert.strictEqual(run.stdout, "a\n")
          assert.include(run.stderr, "[nothing is going on that could settle the promise which this waits for]\n")
        }
        const settled = yield* script("await new Promise((go) => setTimeout(go, 5)); 9")
        assert.deepInclude(settled, { ...ended, stderr: "", kernelRestarted: false })
      }))

    it.effect("work in threads of Node, and tells of what takes longer", () =>
      Effect.gen(function*() {
        const work = "require('crypto').pbkdf2('a', 'salt', 10_000_000, 64, 'sha512', () => console.log('late')); 7"
        const run = yield* script(work)
        assert.deepInclude(run, { ...ended, stdout: "", stderr: "[still going on: work in threads of Node]\n" })
        assert.strictEqual(main(run), "7")
        assert.deepInclude(yield* script("8"), { ...ended, stdout: "", stderr: "" })
      }))
  })

  layer(Agent.layer)("is told of", (it) => {
    it.effect("once, as the end of a program", () =>
      Effect.gen(function*() {
        const again =
          "let rounds = 0; process.on('beforeExit', () => { if (rounds++ < 2) setTimeout(console.log, 5, rounds) });"
        for (
          const [code, stdout] of [
            [
              "process.on('exit', (code) => console.log('exit', code)); setTimeout(console.log, 20, 'timer'); 7",
              "timer\nexit 0\n"
            ],
            [`${again} process.once('exit', () => console.log('end')); 7`, "1\n2\nend\n"],
            ["process.on('beforeExit', async () => { await null; console.log('later') }); 7", "later\n"],
            // Longer than a run waits otherwise.
            ["process.on('exit', () => console.log('end')); setTimeout(console.log, 2300, 'timer'); 7", "timer\nend\n"],
            ["process.on('exit', () => console.log('end')); process.exit()", "end\n"]
          ] as const
        ) {
          const run = yield* script(code)
          assert.deepInclude(run, { ...ended, stdout, stderr: "" }, code)
          if (code.endsWith("7")) assert.strictEqual(main(run), "7")
          assert.deepInclude(yield* script("process.exit()"), { ...ended, stdout: "", stderr: "" }, code)
        }
      }))

    it.effect("by an exit code that makes it fail", () =>
      Effect.gen(function*() {
        for (
          const code of [
            "process.on('exit', () => { process.exitCode = 3 }); 7",
            "process.on('exit', () => process.exit(3)); 7",
            "setImmediate(() => {}); process.on('beforeExit', () => process.exit(3)); 7",
            "process.on('exit', (code) => process.exit(code + 1)); process.exitCode = 2; 7"
          ]
        ) {
          assert.deepInclude((yield* script(code)).error, { name: "Exit", value: "The code exited with code 3" }, code)
          assert.deepInclude(yield* script("setImmediate(() => {}); 8"), { ...ended, stderr: "" }, code)
        }
      }))

    it.effect("when it fails, with the error that it failed with", () =>
      Effect.gen(function*() {
        const told = "process.on('exit', (code) => { console.log(code); process.exit(0) });"
        for (
          const code of [
            `${told} throw new RangeError('own')`,
            `${told} setTimeout(() => { throw new RangeError('own') }, 5); 7`,
            `${told} Promise.reject(new RangeError('own')); 7`,
            `${told} process.on('beforeExit', () => { throw new RangeError('own') }); 7`
          ]
        ) {
          const { error, stdout } = yield* script(code)
          assert.deepInclude(error, { name: "RangeError", value: "own" }, code)
          assert.strictEqual(stdout, "1\n", code)
        }
        const { error } = yield* script("process.on('exit', () => { throw new RangeError('at the end') }); 7")
        assert.deepInclude(error, { name: "RangeError", value: "at the end" })
      }))

    it.effect("no more while it goes on", () =>
      Effect.gen(function*() {
        const left = yield* script(
          "process.on('exit', () => console.log('no')); var on = setInterval(() => {}, 60_000); 7"
        )
        assert.deepInclude(left, { ...ended, stdout: "", stderr: "[still going on: 1 interval]\n" })
        assert.deepInclude(yield* script("clearInterval(on); 8"), { ...ended, stdout: "", stderr: "" })
      }))

    it.effect("by packages that later runs load anew", () =>
      Effect.gen(function*() {
        const { home } = yield* Agent.AgentProcess
        const folder = Path.join(home, "node_modules", "counted")
        Fs.mkdirSync(folder, { recursive: true })
        Fs.writeFileSync(Path.join(folder, "count.js"), "module.exports = { count: 0 }")
        Fs.writeFileSync(
          Path.join(folder, "index.js"),
          "const all = require('./count'); process.on('exit', () => console.log(all.count)); module.exports = () => all.count++"
        )
        for (let round = 0; round < 2; round++) {
          assert.deepInclude(yield* script("require('counted')(); 7"), { ...ended, stdout: "1\n" })
        }
      }))
  })
})

describe.skipIf(interpreters.java === undefined || process.platform !== "linux")("a run of java", () => {
  layer(Agent.layer)("exits", (it) => {
    it.effect("by itself, and keeps its state", () =>
      Effect.gen(function*() {
        yield* Agent.run("java", "int kept = 41;", { timeoutMs: 60_000 })
        const well = yield* Agent.run(
          "java",
          "System.out.println(\"bye\");\nSystem.exit(0);\nSystem.out.println(\"no\");"
        )
        assert.deepInclude(well, { ...ended, stdout: "bye\n" })
        const failed = yield* Agent.run("java", "void leave(int code) {\n  System.exit(code);\n}\nleave(3);")
        assert.deepInclude(failed.error, { name: "Exit", value: "The code exited with code 3" })
        const next = yield* Agent.run("java", "kept + 1")
        assert.deepInclude(next, { kernelRestarted: false, stderr: "" })
        assert.strictEqual(main(next), "42")
      }))

    it.effect("when its threads are done, or tells how many are left", () =>
      Effect.gen(function*() {
        const sleeping = (millis: number) =>
          `Thread started = new Thread(() -> {\n  try {\n    Thread.sleep(${millis});\n    System.out.println("done");\n` +
          "  } catch (InterruptedException stopped) {}\n});\nstarted.start();\n7"
        const waited = yield* Agent.run("java", sleeping(100))
        assert.deepInclude(waited, { ...ended, stdout: "done\n", stderr: "" })
        const left = yield* Agent.run("java", sleeping(60_000), { timeoutMs: 1000 * slowdown() })
        assert.deepInclude(left, { ...ended, stdout: "", stderr: "[still going on: 1 thread]\n" })
        assert.strictEqual(main(left), "7")
        assert.deepInclude(yield* Agent.run("java", "8"), { ...ended, stderr: "" })
      }))
  })
})
