/** The control scripts in every shell that this machine has: which one a session has is not known. */
import { Command, type Process } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Option, Stream } from "effect"
import * as Fs from "node:fs"
import { failsWith } from "../support/failsWith.js"
import * as shellTool from "../support/shellTool.js"

/** Where Bash is `sh`, it counts ended jobs otherwise; busybox lacks options of many programs. */
const shells = [
  { name: "dash", file: "/usr/bin/dash", names: ["sh", "dash"] },
  { name: "Bash", file: "/usr/bin/bash", names: ["sh", "bash"] },
  {
    name: "busybox",
    file: "/usr/bin/busybox",
    names: "sh ls dd base64 tail head grep sleep mkfifo setsid env mkdir chmod cat mv rm date".split(" ")
  }
]

const text = (stream: Stream.Stream<Uint8Array, Process.ProcessFailure>) =>
  Effect.map(Stream.runCollect(stream), (chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)).toString("latin1"))

for (const { file, name, names } of shells) {
  const has = Fs.existsSync(file)
  describe(name, () => {
    if (!has) return void it.skip(`not run: ${name} is not installed`, () => {})
    const commands = Effect.map(shellTool.make(file, names), (tool) => Command.make(tool))

    it.scopedLive("exit codes and signals are told apart", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const outcome = (command: string) =>
          Effect.scoped(
            Effect.flatMap(
              start(command),
              ({ exit }) => Effect.map(exit, ({ exitCode, signal }) => [exitCode, Option.getOrNull(signal)])
            )
          )
        const all = ["exit 0", "exit 3", "exit 137", "exit 143", "kill -9 $$", "kill -15 $$", "kill -13 $$"]
        assert.deepStrictEqual(yield* Effect.forEach(all, outcome, { concurrency: 2 }), [
          [0, null],
          [3, null],
          [137, null],
          [143, null],
          [137, "SIGKILL"],
          [143, "SIGTERM"],
          [141, "SIGPIPE"]
        ])
      }))

    it.scopedLive("output arrives byte by byte", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const process = yield* start("printf '\\377\\000\\001\\r\\n\\200'; printf err >&2; sleep 0.3; printf end")
        assert.strictEqual(yield* text(process.stdout), "\xff\0\x01\r\n\x80end")
        assert.strictEqual(yield* text(process.stderr), "err")
      }))

    it.scopedLive("a signal without a meaning here is refused, each one that has one is not", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const process = yield* start("exec sleep 60")
        const refused = yield* failsWith(process.kill("SIGNONSENSE"), "InvalidRequestError")
        assert.strictEqual(refused.field, "signal")
        for (const signal of ["SIGCONT", "SIGWINCH", "SIGSTOP", "SIGKILL"]) yield* process.kill(signal)
        assert.deepStrictEqual((yield* process.exit).signal, Option.some("SIGKILL"))
      }))

    it.scopedLive("a signal reaches the group, the time limit and the end of the scope the whole tree", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const stopped = yield* start("trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
        yield* stopped.waitForLog(/ready/)
        yield* stopped.kill()
        assert.strictEqual((yield* stopped.exit).exitCode, 7)
        const late = yield* start("setsid sleep 60 & echo $!; exec sleep 60", { timeout: "300 millis" })
        const exit = yield* late.exit
        assert.deepStrictEqual([exit.signal, exit.timedOut], [Option.some("SIGKILL"), true])
        const pid = Number(yield* text(late.stdout))
        yield* Effect.repeat(Effect.sleep(10), { while: () => isRunning(pid), times: 1000 })
        assert.isFalse(isRunning(pid))
      }))

    it.scopedLive("standard input is written once and ended", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const process = yield* start("cat; echo done", { stdin: "pipe" })
        const parts = Array.from({ length: 40 }, (_, index) => Buffer.from(`${index}:${"x".repeat(4000)}\n`))
        yield* Stream.run(Stream.fromIterable(parts), process.stdin)
        assert.strictEqual(yield* text(process.stdout), `${Buffer.concat(parts).toString()}done\n`)
      }))

    it.scopedLive("a signal is told also if what fed standard input has ended before", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const { exit, stdin } = yield* start("cat; sleep 0.3; kill -9 $$", { stdin: "pipe" })
        yield* Stream.run(Stream.make(Buffer.from("all")), stdin)
        const { exitCode, signal } = yield* exit
        assert.deepStrictEqual([exitCode, Option.getOrNull(signal)], [137, "SIGKILL"])
      }))

    it.scopedLive("what is written after the end is refused, also while what has fed it still goes", () =>
      Effect.gen(function*() {
        const { executeCommand, start } = yield* commands
        const { exit, stdin } = yield* start("true", { stdin: "pipe" })
        yield* exit
        yield* executeCommand(
          "cd ${TMPDIR:-/tmp}/.agb-processes/*; until [ -e stdin.gone ]; do sleep 0.1; done; sleep 0.2; rm stdin.gone"
        )
        const error = yield* failsWith(Stream.run(Stream.make(Buffer.from("late")), stdin), "ProcessError")
        assert.strictEqual(error.reason, "StdinClosed")
      }))

    it.scopedLive("what feeds standard input ends with the process", () =>
      Effect.gen(function*() {
        const { start } = yield* commands
        const { exit, ref } = yield* start("exit 5", { stdin: "pipe" })
        assert.strictEqual((yield* exit).exitCode, 5)
        yield* Effect.repeat(Effect.sleep(10), { while: () => namedIn(ref.key).length > 0, times: 1000 })
        assert.deepStrictEqual(namedIn(ref.key), [])
      }))
  })
}

/** The processes of this machine whose command line has a text in it. */
const namedIn = (text: string) =>
  Fs.readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && Fs.readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text)
    } catch {
      return false
    }
  })

const isRunning = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(Fs.readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}
