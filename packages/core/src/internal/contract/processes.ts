/** What processes do: started, followed, signalled and found again. */
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Command from "../../Command.js"
import type * as Process from "../../Process.js"
import * as Session from "../../Session.js"
import { concat } from "../wire/text/bytes.js"
import { assert, bytesOf, failsWith, sameBytes, textOf } from "./assert.js"
import { type Contract, imageId } from "./contractCase.js"

const collect = <E>(stream: Stream.Stream<Uint8Array, E>) => Effect.map(Stream.runCollect(stream), concat)

const text = <E>(stream: Stream.Stream<Uint8Array, E>) => Effect.map(collect(stream), textOf)

const summary = ({ exitCode, signal, timedOut }: Process.Exit) => [exitCode, Option.getOrNull(signal), timedOut]

const endsIn = (process: Process.Process) => Effect.map(process.exit, summary)

const startAll = (command: Command.Command, commands: ReadonlyArray<string>) =>
  Effect.forEach(commands, (text) => command.start(text), { concurrency: "unbounded" })

const outcomes: Contract = (test) => {
  test("a process ends with what the session has recorded", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const commands = ["exit 0", "exit 3", "exit 137", "kill -9 $$", "kill -TERM $$", "nonsense-of-a-command"]
      const processes = yield* startAll(command, commands)
      assert.deepStrictEqual(yield* Effect.forEach(processes, endsIn, { concurrency: "unbounded" }), [
        [0, null, false],
        [3, null, false],
        [137, null, false],
        [137, "SIGKILL", false],
        [143, "SIGTERM", false],
        [127, null, false]
      ])
      const slow = yield* command.start("sleep 0.3")
      const { duration } = yield* slow.exit
      assert.isTrue(Duration.greaterThanOrEqualTo(duration, "290 millis"))
    }))

  test("a time limit ends the whole tree", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const process = yield* command.start("setsid sleep 100.25 & exec sleep 100.25", { timeout: "300 millis" })
      assert.deepStrictEqual(yield* endsIn(process), [137, "SIGKILL", true])
      yield* isGone(command, "100.25")
    }))

  test("the end of its scope ends the whole tree, within two seconds", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const line = "trap '' TERM; setsid sleep 100.5 & sleep 100.5 & echo ready; while :; do sleep 100.5; done"
      yield* Effect.scoped(Effect.flatMap(command.start(line), ({ waitForLog }) => waitForLog(/ready/)))
      yield* isGone(command, "100.5")
      assert.deepStrictEqual(yield* command.listProcesses, [])
    }))

  test("so does the end of a scope that is interrupted", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const ready = yield* Deferred.make<void>()
      const running = Effect.flatMap(command.start("echo ready; sleep 100.125"), ({ waitForLog }) =>
        Effect.zipRight(Effect.zipRight(waitForLog(/ready/), Deferred.succeed(ready, undefined)), Effect.never))
      const fiber = yield* Effect.fork(Effect.scoped(running))
      yield* Deferred.await(ready)
      yield* Fiber.interrupt(fiber)
      yield* isGone(command, "100.125")
      assert.deepStrictEqual(yield* command.listProcesses, [])
    }))
}

/** The events of a streamed command, and how it ended. */
const streamed = (command: Command.Command, line: string, options?: Command.ExecuteCommandOptions) =>
  Effect.gen(function*() {
    const events: Array<Command.CommandEvent> = []
    const ended = yield* Effect.either(
      Stream.runForEach(
        command.executeCommandStream(line, options),
        (event) => Effect.sync(() => void events.push(event))
      )
    )
    const text = (tag: "Stdout" | "Stderr") => events.map((event) => event._tag === tag ? event.text : "").join("")
    const ends = events.flatMap((event) => event._tag === "Exited" ? [event.exitCode] : [])
    return { ended, ends, stdout: text("Stdout"), stderr: text("Stderr") }
  })

const streams: Contract = (test) => {
  test("a streamed command tells its output and its end, and fails as a command does", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const bytes = "printf 'na\\303'; sleep 0.3; printf '\\257ve \\377'; printf err >&2; printf %s \"$A\""
      const run = yield* streamed(command, bytes, { envs: { A: "$b" } })
      assert.deepInclude(run, { stdout: "naïve \ufffd$b", stderr: "err", ends: [0] })
      const failed = yield* streamed(command, "echo out; echo err >&2; exit 3")
      assert.deepInclude(yield* failsWith(failed.ended, "CommandExitError"), { stdout: "out\n", exitCode: 3 })
      assert.deepStrictEqual(failed.ends, [])
      const accepted = yield* streamed(command, "exit 3", { acceptExitCodes: [3] })
      assert.deepStrictEqual(accepted.ends, [3])
      const late = yield* streamed(command, "echo begun; sleep 100.75", { timeout: "1 second" })
      const error = yield* failsWith(late.ended, "ExecutionTimeoutError")
      assert.deepInclude(error, { stdout: "begun\n", timeoutMillis: 1000 })
      for (const options of [{ cwd: "tmp" }, { acceptExitCodes: [256] }, { timeout: -1 }]) {
        const refused = yield* failsWith((yield* streamed(command, "true", options)).ended, "InvalidRequestError")
        assert.strictEqual(refused.operation, "Command.executeCommandStream")
      }
    }))

  test("a streamed command that nobody reads any more is ended", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const line = "setsid sleep 100.875 & while :; do echo tick; sleep 0.05; done"
      const taken = yield* Stream.runCollect(Stream.take(command.executeCommandStream(line), 2))
      assert.isTrue(Chunk.every(taken, ({ _tag }) => _tag === "Stdout"))
      yield* isGone(command, "100.875")
    }))
}

/** Whether no process sleeps for this time; what looks for it must not find itself. */
const isGone = (command: Command.Command, seconds: string) =>
  Effect.map(
    command.executeCommand(`grep -al "^sleep.${seconds.replace(/.$/, "[$&]")}" /proc/[0-9]*/cmdline || true`),
    ({ stdout }) => assert.strictEqual(stdout, "")
  )

const output: Contract = (test) => {
  test("output keeps every byte and its order, and can be read from any position", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const process = yield* command.start(
        "printf '\\377\\000\\001\\r\\n\\200naïve'; printf err >&2; sleep 0.2; printf end"
      )
      const expected = concat([Uint8Array.of(255, 0, 1, 13, 10, 128), bytesOf("naïveend")])
      assert.isTrue(sameBytes(yield* collect(process.stdout), expected))
      assert.strictEqual(yield* text(process.stderr), "err")
      const chunks = Chunk.toReadonlyArray(yield* Stream.runCollect(process.logs()))
      assert.deepStrictEqual(chunks.at(-1)?.cursor, { stdout: expected.length, stderr: 3 })
      const rest = yield* Stream.runCollect(process.logs({ stdout: 4, stderr: 3 }))
      assert.isTrue(sameBytes(concat(Chunk.map(rest, ({ bytes }) => bytes)), expected.subarray(4)))
    }))

  test("what a running process has written is read without waiting for more", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const process = yield* command.start("head -c 1500000 /dev/zero; echo err >&2; exec sleep 60.25")
      yield* process.waitForLog(/err/)
      const chunks = yield* Stream.runCollect(process.logs(undefined, { follow: false }))
      assert.deepStrictEqual(Chunk.toReadonlyArray(chunks).at(-1)?.cursor, { stdout: 1_500_000, stderr: 4 })
      const wrong = process.logs(undefined, { follow: "no" as unknown as boolean })
      assert.strictEqual((yield* failsWith(Stream.runDrain(wrong), "InvalidRequestError")).field, "follow")
    }))

  test("directory and variables are those asked for", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const envs = { GREETING: "it's; $HOME \"quoted\" `id`\nsecond line", TMPDIR: "/nowhere", "odd.name": "odd" }
      const process = yield* command.start("pwd; printf '%s|' \"$GREETING\" \"$TMPDIR\"; env | grep odd", {
        cwd: "/usr",
        envs
      })
      assert.strictEqual(yield* text(process.stdout), `/usr\n${envs.GREETING}|/nowhere|odd.name=odd\n`)
    }))

  test("standard input is what was written, and is at an end unless asked for", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      assert.strictEqual(yield* text((yield* command.start("cat")).stdout), "")
      const process = yield* command.start("cat; echo over", { stdin: "pipe" })
      const parts = Array.from({ length: 30 }, (_, index) => bytesOf(`${index} ${"ü".repeat(3000)}\n`))
      yield* Stream.run(Stream.fromIterable(parts), process.stdin)
      assert.isTrue(sameBytes(yield* collect(process.stdout), concat([...parts, bytesOf("over\n")])))
      const closed = Stream.run(Stream.make(bytesOf("more")), process.stdin)
      assert.strictEqual((yield* failsWith(closed, "ProcessError")).reason, "StdinClosed")
      const none = Stream.run(Stream.make(bytesOf("more")), (yield* command.start("sleep 100")).stdin)
      assert.strictEqual((yield* failsWith(none, "ProcessError")).reason, "NoStdin")
    }))
}

const keys: Contract = (test) => {
  test("a key names one process, which is found again", () =>
    Effect.gen(function*() {
      const { command, sessionId } = yield* Session.make({ imageId })
      const starts = Array.from({ length: 6 }, () => command.startDetached("echo ran; sleep 100", { key: "job:1" }))
      const processes = yield* Effect.all(starts, { concurrency: "unbounded" })
      assert.strictEqual(processes.filter(({ isNew }) => isNew).length, 1)
      assert.strictEqual(new Set(processes.map(({ pid }) => pid)).size, 1)
      const found = yield* command.attach("job:1")
      assert.deepStrictEqual(found.ref, { session: { sessionId }, key: "job:1" })
      yield* found.waitForLog(/ran\n/)
      assert.deepStrictEqual((yield* command.listProcesses).map(({ key }) => key), ["job:1"])
      yield* found.kill("SIGKILL")
      assert.deepStrictEqual(yield* endsIn(found), [137, "SIGKILL", false])
      yield* found.kill()
      const again = yield* command.startDetached("echo ran", { key: "job:1" })
      assert.strictEqual(yield* text(again.stdout), "ran\n")
      assert.isFalse(again.isNew)
      assert.strictEqual((yield* failsWith(command.attach("job:2"), "ProcessNotFoundError")).key, "job:2")
    }))

  test("what records the end can be killed: then there is none, and never a wrong one", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const process = yield* command.startDetached("echo ran; exec sleep 100", { key: "orphan" })
      yield* process.waitForLog(/ran/)
      const supervisor =
        `ps -o ppid= -p ${process.pid} 2>/dev/null || sed 's/.*) . //;s/ .*//' /proc/${process.pid}/stat`
      yield* command.executeCommand(`kill -9 $(${supervisor})`)
      assert.strictEqual((yield* failsWith(process.exit, "ProcessError")).reason, "Lost")
      assert.strictEqual((yield* failsWith(Stream.runDrain(process.logs()), "ProcessError")).reason, "Lost")
      assert.deepStrictEqual((yield* command.listProcesses).map(({ isLost }) => isLost), [true])
    }))

  test("signals reach the group, and the wait for text ends with the process", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const line = "trap 'echo caught; exit 7' USR1; echo ready; while :; do sleep 0.05; done"
      const process = yield* command.start(line)
      const { match } = yield* process.waitForLog(/re(ad)y/)
      assert.strictEqual(match[1], "ad")
      yield* process.kill("SIGUSR1")
      assert.deepStrictEqual(yield* endsIn(process), [7, null, false])
      assert.strictEqual((yield* failsWith(process.waitForLog(/never/), "ProcessError")).reason, "Ended")
      const interrupted = yield* command.start("echo ready; exec sleep 100")
      yield* interrupted.waitForLog(/ready/)
      yield* interrupted.kill("SIGINT")
      assert.deepStrictEqual(yield* endsIn(interrupted), [130, "SIGINT", false])
    }))

  test("a signal that the session does not know is refused and changes nothing", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const process = yield* command.start("exec sleep 100")
      const refused = yield* failsWith(process.kill("SIGNONSENSE"), "InvalidRequestError")
      assert.deepStrictEqual([refused.field, refused.given], ["signal", "\"SIGNONSENSE\""])
      yield* process.kill("SIGCONT")
      yield* process.kill("SIGKILL")
      assert.deepStrictEqual(yield* endsIn(process), [137, "SIGKILL", false])
    }))

  test("a session that is released never gives an exit code", () =>
    Effect.gen(function*() {
      const released = yield* Effect.scoped(Effect.gen(function*() {
        const { command } = yield* Session.make({ imageId })
        const process = yield* command.startDetached("sleep 100", { key: "job" })
        return { process, waiting: yield* Effect.forkDaemon(process.exit) }
      }))
      yield* failsWith(Effect.flatten(released.waiting.await), "SessionLostError")
      yield* failsWith(released.process.exit, "SessionLostError")
    }))
}

export const processes: Contract = (test, backend) => {
  outcomes(test, backend)
  streams(test, backend)
  output(test, backend)
  keys(test, backend)
}
