import { Session } from "@effect-agb/core"
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Redacted } from "effect"
import * as Http from "node:http"
import { failsWith } from "../support/failsWith.js"
import { countsOf, processesWith, until } from "../support/processes/processes.js"
import { layerWith, runtimes } from "../support/runtime.js"

/** A number of seconds that no other process sleeps for. */
const uniqueSeconds = () => `7${process.pid}.${Math.floor(Math.random() * 1e9)}`

/** Ways of starting a process that its shell does not wait for. */
const starts: ReadonlyArray<(seconds: string) => string> = [
  (seconds) => `sleep ${seconds} &`,
  (seconds) => `nohup sleep ${seconds} >/dev/null 2>&1 &`,
  (seconds) => `setsid sleep ${seconds} &`,
  (seconds) => `(setsid sh -c 'sleep ${seconds} & sleep ${seconds}' &) &`,
  (seconds) => `node -e "child_process.spawn('sleep', ['${seconds}'], { detached: true, stdio: 'inherit' }).unref()" &`
]

/** Those that are found although neither their environment nor their parent tells of the call. */
const bareStarts: ReadonlyArray<(seconds: string) => string> = [
  (seconds) => `env -i sleep ${seconds} &`,
  (seconds) => `(env -i setsid sleep ${seconds} &)`,
  (seconds) => `env -i setsid sh -c '(setsid sleep ${seconds} &)'`
]

/** With a mark that no call has. */
const shed = (seconds: string) =>
  `env -i setsid sh -c '{ ulimit -w 0 || ulimit -x 0; } 2>/dev/null; sleep ${seconds} &'`

const landlock = await Effect.runPromise(Effect.option(Isolation.probe("landlock")))

/** Also without a PID namespace, but with a system call filter. */
const everywhere = [...runtimes, ...Option.toArray(landlock).map((isolation) => ({ name: "landlock", isolation }))]

const counted = (markers: ReadonlyArray<string>) => countsOf(markers, process.pid)

const none = (markers: ReadonlyArray<string>) => counted(markers).every((count) => count === 0)

const started = (ways: typeof starts) => {
  const markers = ways.map(uniqueSeconds)
  return { markers, script: ways.map((way, index) => way(markers[index] ?? "")).join("\n") }
}

describe.skipIf(process.platform !== "linux").each(everywhere)("process trees, $name", ({ isolation }) => {
  const all = [...starts, ...bareStarts, ...(isolation.level === "none" ? [] : [shed])]

  it.live("of jobs in the background go on after the call and end with the session", () =>
    Effect.gen(function*() {
      const { markers, script } = started([...starts, ...bareStarts])
      yield* Effect.scoped(Effect.gen(function*() {
        const { command } = yield* Session.make({ imageId: "code_latest" })
        const { stdout } = yield* command.executeCommand(`${script}\necho begun`, { timeout: "2 minutes" })
        assert.strictEqual(stdout, "begun\n")
        assert.isTrue(yield* until(() => counted(markers).every((count) => count > 0)), `${counted(markers)}`)
        yield* command.executeCommand("true")
        yield* Effect.ignore(command.executeCommand("sleep 5", { timeout: "100 millis" }))
        assert.isTrue(counted(markers).every((count) => count > 0), `another call has ended ${counted(markers)}`)
      }))
      assert.isTrue(yield* until(() => none(markers)), `left: ${counted(markers)}`)
    }).pipe(Effect.scoped, Effect.provide(layerWith(isolation))))

  it.live("end with a call that takes too long, those that left the group included", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId: "code_latest" })
      const { markers, script } = started(all)
      const call = command.executeCommand(`${script}\nsleep 0.2; echo begun; sleep 60`, { timeout: "3 seconds" })
      const error = yield* failsWith(call, "ExecutionTimeoutError")
      assert.strictEqual(error.stdout, "begun\n")
      assert.isTrue(yield* until(() => none(markers)), `left: ${counted(markers)}`)
      assert.strictEqual((yield* command.executeCommand("echo well", { timeout: "2 minutes" })).stdout, "well\n")
    }).pipe(Effect.scoped, Effect.provide(layerWith(isolation))))

  it.live("end with a run that takes too long or is interrupted, but not those of runs that have ended", () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId: "code_latest" })
      const [kept, late, interrupted] = [started(bareStarts), started(all), started(all)]
      const starting = ({ script }: ReturnType<typeof started>) =>
        `(await import("node:child_process")).execFileSync("sh", ["-c", ${
          JSON.stringify(`exec >/dev/null 2>&1\n${script}`)
        }])`
      yield* code.runCode(starting(kept), "javascript", { timeout: "30 seconds" })
      assert.isTrue(yield* until(() => counted(kept.markers).every((count) => count > 0)))
      const waiting = `${starting(late)}; await new Promise(() => {})`
      const error = yield* Effect.flip(code.runCode(waiting, "javascript", { timeout: "3 seconds" }))
      assert.strictEqual(error._tag, "ExecutionTimeoutError")
      assert.isTrue(yield* until(() => none(late.markers)), `left: ${counted(late.markers)}`)
      const busy = `${starting(interrupted)}; for (;;);`
      const fiber = yield* Effect.fork(code.runCode(busy, "javascript", { timeout: "1 minute" }))
      assert.isTrue(yield* until(() => counted(interrupted.markers).every((count) => count > 0)))
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* until(() => none(interrupted.markers)), `left: ${counted(interrupted.markers)}`)
      assert.isTrue(counted(kept.markers).every((count) => count > 0), `ended too: ${counted(kept.markers)}`)
    }).pipe(Effect.scoped, Effect.provide(layerWith(isolation))))

  it.live("end with a call that is interrupted, and with one whose client has gone", () =>
    Effect.gen(function*() {
      const { command, sessionId } = yield* Session.make({ imageId: "code_latest" })
      const interrupted = started(all)
      const fiber = yield* Effect.fork(
        command.executeCommand(`${interrupted.script}\nsleep 60`, { timeout: "1 minute" })
      )
      assert.isTrue(yield* until(() => counted(interrupted.markers).every((count) => count > 0)))
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* until(() => none(interrupted.markers)), `left: ${counted(interrupted.markers)}`)

      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const vanished = started(all)
      const request = Http.request(`${endpoint}/mcp?sessionId=${sessionId}`, {
        method: "POST",
        headers: { authorization: `Bearer ${Redacted.value(apiKey)}`, "content-type": "application/json" }
      })
      request.on("error", () => {})
      const args = JSON.stringify({ command: `${vanished.script}\nsleep 60`, timeout_ms: 60_000 })
      request.end(JSON.stringify({ name: "shell", args, sessionId, autoGenSession: false }))
      assert.isTrue(yield* until(() => counted(vanished.markers).every((count) => count > 0)))
      request.destroy()
      assert.isTrue(yield* until(() => none(vanished.markers)), `left: ${counted(vanished.markers)}`)
    }).pipe(Effect.scoped, Effect.provide(layerWith(isolation))))
})

/** Each process lives for five milliseconds, and its child goes on; a minute in all. Without environment, and with its name. */
const forker = (name: string) =>
  `env -i perl -e '$0 = "${name}"; $SIG{INT} = $SIG{TERM} = "IGNORE"; my $end = time + 60; exit 0 if fork; ` +
  `close STDIN; close STDOUT; close STDERR; ` +
  `while (time < $end) { exit 0 if fork; setpgrp; select undef, undef, undef, 0.005 }'`

/** Whether it is seen in one of many looks: it may be missed in each. */
const isSeen = (name: string) => Array.from({ length: 30 }, () => processesWith(name).length > 0).includes(true)

describe.skipIf(Option.isNone(landlock))("process trees that fork fast, landlock", () => {
  const fast = [
    { what: "the session", after: "true", unique: 1 },
    { what: "a call that takes too long", after: "sleep 60", unique: 2 }
  ].map((it) => ({ ...it, name: `agb-forker-${it.unique}-${uniqueSeconds()}` }))

  it.live.each(fast)("end with $what", ({ after, name }) =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const { command } = yield* Session.make({ imageId: "code_latest" })
        const call = command.executeCommand(`${forker(name)}\n${after}`, { timeout: "2 seconds" })
        const running = yield* Effect.fork(Effect.exit(call))
        assert.isTrue(yield* until(() => isSeen(name)))
        yield* Fiber.join(running)
        assert.isTrue(after === "true" || !isSeen(name))
      }))
      assert.isTrue(yield* until(() => !isSeen(name)))
    }).pipe(Effect.scoped, Effect.provide(Layer.suspend(() => layerWith(Option.getOrThrow(landlock))))))
})

describe("process trees, landlock", () => {
  it.live.skipIf(Option.isNone(landlock))(
    "end with the session though it has killed what supervises it",
    () =>
      Effect.gen(function*() {
        const { markers, script } = started(bareStarts)
        yield* Effect.scoped(Effect.gen(function*() {
          const { command } = yield* Session.make({ imageId: "code_latest" })
          const kill = "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat) $PPID"
          yield* Effect.exit(command.executeCommand(`${script}\nsleep 0.2; ${kill}`, { timeout: "2 minutes" }))
        }))
        assert.isTrue(yield* until(() => none(markers)), `left: ${counted(markers)}`)
      }).pipe(Effect.scoped, Effect.provide(Layer.suspend(() => layerWith(Option.getOrThrow(landlock)))))
  )
})
