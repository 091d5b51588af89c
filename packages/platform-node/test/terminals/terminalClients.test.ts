/** Terminals and the programs that use them: cut off, slow, idle, and in sessions that have no means for one. */
import { Session } from "@effect-agb/core"
import { Isolation, LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { AGB } from "@effect-agb/platform-node/AgbPromise"
import { assert, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Exit, Redacted, Stream } from "effect"
import * as Fs from "node:fs"
import { failsWith } from "../support/failsWith.js"
import { type FaultProxy, make as makeProxy } from "../support/faultProxy.js"
import { type Fault, lostReply, lostRequest, unavailable } from "../support/faults.js"
import { best, layerWith, serverLayer } from "../support/runtime.js"
import { watch } from "../support/screen.js"

const imageId = "agb-code-space-1"

/** A session that is reached through a proxy. */
const withProxy = <E>(body: (session: Session.Session, proxy: FaultProxy) => Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
    const proxy = yield* makeProxy(endpoint, Redacted.value(apiKey))
    const retry = { baseDelay: Duration.millis(5), maxDelay: Duration.millis(50), maxAttempts: 8 }
    yield* Effect.provide(
      Session.use({ imageId }, (session) => body(session, proxy)),
      NodeAgb.layer({ apiKey, endpoint: proxy.endpoint, retry })
    )
  }).pipe(Effect.scoped, Effect.provide(serverLayer()))

it.live("replies that are lost or cut neither lose nor repeat a byte, a signal or a start", () =>
  withProxy(({ command, terminal }, { faults }) =>
    Effect.scoped(Effect.gen(function*() {
      const strike: ReadonlyArray<Fault> = [lostReply, unavailable("after"), lostRequest]
      /** The first try of every call fails, most often after the work. */
      const strikeAll = () =>
        faults.always("shell", (nth) => nth % 2 === 0 ? strike[(nth / 2) % strike.length] : undefined)
      const line = "echo started >>\"$HOME/starts\"; stty raw -echo; printf 'ready '; exec head -c 60000"
      strikeAll()
      const opened = yield* terminal.open(line)
      faults.clear()
      yield* Stream.runDrain(Stream.takeUntil(opened.output, (bytes) => /ready /.test(Buffer.from(bytes).toString())))
      strikeAll()
      const parts = Array.from({ length: 6 }, (_, index) => `${index}`.repeat(10_000))
      const input = yield* Effect.exit(Stream.run(Stream.rechunk(Stream.fromIterable(parts), 1), opened.input))
      assert.isTrue(Exit.isSuccess(input), String(input))
      const output = yield* Effect.exit(Stream.runCollect(Stream.decodeText(opened.output)))
      assert.isTrue(Exit.isSuccess(output), String(output))
      assert.strictEqual(Chunk.join(Exit.getOrElse(output, () => Chunk.empty()), ""), parts.join(""))
      assert.strictEqual((yield* opened.exit).exitCode, 0)
      faults.clear()

      const counts = "n=0; trap 'n=$((n + 1))' USR1; trap 'exit $n' TERM; echo ready; while :; do sleep 0.05; done"
      const counter = yield* terminal.open(counts)
      yield* (yield* watch(counter)).until(/ready/)
      faults.next("shell", lostReply, unavailable("after"))
      yield* counter.kill("SIGUSR1")
      faults.clear()
      yield* counter.kill("SIGTERM")
      assert.strictEqual((yield* counter.exit).exitCode, 1)
      assert.strictEqual((yield* command.executeCommand("cat \"$HOME/starts\"")).stdout, "started\n")
    }))
  ))

/** Writes 8 MiB, and keeps account of how much was taken. */
const flood = `stty raw -echo; exec python3 -c '
import os
for i in range(128):
    os.write(1, bytes([i]) * 65536)
    open(os.environ["HOME"] + "/written", "w").write(str(i + 1))
'`

it.live("output that nobody reads holds up the command and stays bounded, and is whole in the end", () =>
  Session.use({ imageId }, ({ command, terminal }) =>
    Effect.scoped(Effect.gen(function*() {
      const opened = yield* terminal.open(flood)
      const written = Effect.map(
        command.executeCommand("cat \"$HOME/written\" 2>/dev/null || true"),
        ({ stdout }) => Number(stdout)
      )
      const settled = (before: number): Effect.Effect<number, unknown> =>
        Effect.flatMap(
          Effect.delay(written, "1 second"),
          (now) => now > 0 && now === before ? Effect.succeed(now) : settled(now)
        )
      assert.isAtMost(yield* settled(0), 20)
      const all = Buffer.concat(Chunk.toReadonlyArray(yield* Stream.runCollect(opened.output)))
      assert.strictEqual(all.length, 128 * 65_536)
      assert.isTrue(all.every((byte, index) => byte === index >> 16))
      const files = "find \"${TMPDIR:-/tmp}/.agb-processes\" -type f -size +64k | wc -l"
      assert.strictEqual((yield* command.executeCommand(files)).stdout.trim(), "0")
    }))).pipe(Effect.provide(layerWith(best))))

it.live("an idle terminal costs neither requests nor processor time", () =>
  withProxy(({ command, terminal }, { ledger }) =>
    Effect.scoped(Effect.gen(function*() {
      const screen = yield* watch(yield* terminal.open("echo holder $PPID ready; exec sleep 100"))
      const [, holder] = yield* screen.until(/holder (\d+) ready/)
      const ticks = Effect.map(
        command.executeCommand(`cat /proc/${holder}/stat`),
        ({ stdout }) => stdout.split(" ").slice(13, 15).reduce((sum, field) => sum + Number(field), 0)
      )
      const before = yield* ticks
      const requests = ledger.count("shell")
      yield* Effect.sleep("3 seconds")
      assert.isAtMost(ledger.count("shell") - requests, 1)
      assert.isAtMost((yield* ticks) - before, 3)
    }))
  ))

it.live.skipIf(!Fs.existsSync("/usr/bin/vim"))(
  "vim draws its screen again after a change of size",
  () =>
    Session.use({ imageId }, ({ command, terminal }) =>
      Effect.scoped(Effect.gen(function*() {
        const opened = yield* terminal.open("exec vim -u NONE -i NONE -N -n \"$HOME/note.txt\"", {
          columns: 80,
          rows: 24
        })
        const screen = yield* watch(opened)
        yield* screen.until(/note\.txt/)
        yield* opened.write("ione line of text\x1b")
        yield* screen.until(/one line of text/)
        yield* opened.resize(100, 40)
        yield* screen.until(/one line of text/)
        yield* opened.write(":w\r:echo &lines 'by' &columns\r")
        yield* screen.until(/40 by 100/)
        yield* opened.write(":q\r")
        assert.strictEqual((yield* opened.exit).exitCode, 0)
        assert.strictEqual((yield* command.executeCommand("cat \"$HOME/note.txt\"")).stdout, "one line of text\n")
      }))).pipe(Effect.provide(layerWith(best)))
)

const landlock = await Effect.runPromise(Effect.option(Isolation.probe("landlock")))

it.live.skipIf(landlock._tag === "None")(
  "a session without pseudo-terminals says so",
  () =>
    Session.use({ imageId }, ({ terminal }) =>
      Effect.gen(function*() {
        const error = yield* failsWith(Effect.scoped(terminal.open("bash")), "ProcessError")
        assert.strictEqual(error.reason, "Unsupported")
        assert.match(error.message, /no (pseudo-terminals|python3)/)
      })).pipe(Effect.provide(layerWith(landlock._tag === "Some" ? landlock.value : best)))
)

it.live("promises: opened, typed into, resized, told about and closed", () =>
  Effect.promise(async () => {
    await using agb = AGB.local({ isolation: best.level === "none" ? "none" : "auto" })
    await agb.withSession({ imageId }, async ({ command, terminal: terminals }) => {
      const opened = await terminals.open("stty -echo; echo ready; read line; stty size; echo \"$line\"; exit 3", {
        rows: 30
      })
      if (!opened.success) throw opened.error
      const { terminal } = opened
      const output = terminal.output()
      assert.match(Buffer.from((await output.next()).value as Uint8Array).toString(), /^r/)
      await output.return?.()
      assert.isTrue((await terminal.resize(100, 40)).success)
      assert.isTrue((await terminal.write("naïve\r")).success)
      let told = ""
      const ended = await terminal.wait({ onOutput: (text) => told += text })
      if (!ended.success) throw ended.error
      assert.deepStrictEqual([ended.data.exitCode, ended.data.signal], [3, undefined])
      assert.match(told, /40 100\r\nnaïve\r\n$/)
      assert.strictEqual((await terminal.write("late")).error?._tag, "ProcessError")
      assert.strictEqual((await terminals.open("true", { columns: 0 })).error?._tag, "InvalidRequestError")

      const sleeper = await terminals.open("sleep 100")
      if (!sleeper.success) throw sleeper.error
      const leaving = new AbortController()
      const waiting = sleeper.terminal.wait({ signal: leaving.signal })
      leaving.abort(new Error("enough"))
      assert.strictEqual(await waiting.catch((error: Error) => error.message), "enough")
      await opened.terminal[Symbol.asyncDispose]()
      await sleeper.terminal[Symbol.asyncDispose]()
      assert.deepStrictEqual((await command.listProcesses()).data, [])
    })
  }))
