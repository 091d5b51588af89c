import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import * as Fs from "node:fs"
import * as Agent from "../support/agent/agentProcess.js"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith } from "../support/runtime.js"
import { slowdown } from "../support/slowdown.js"

const shell = Effect.map(
  Session.make({ imageId: "code_latest" }),
  ({ command }) => (line: string, timeout: Duration.DurationInput = "30 seconds") =>
    command.executeCommand(line, { timeout })
)

const residentOf = (pid: number) =>
  Number(/RssAnon:\s*(\d+)/.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

describe.skipIf(process.platform !== "linux")("the output of commands", () => {
  it.live("is cut at its limit, per stream, and says so", () =>
    Effect.gen(function*() {
      const sh = yield* shell
      const { stderr, stdout } = yield* sh(
        "head -c 5000 /dev/zero | tr '\\0' x; head -c 1024 /dev/zero | tr '\\0' y >&2"
      )
      assert.strictEqual(stdout, `${"x".repeat(1024)}\n[output truncated after 1024 bytes]\n`)
      assert.strictEqual(stderr, "y".repeat(1024))
      const cutInside = yield* sh("printf 'aa'; for i in $(seq 400); do printf '日'; done; printf '🎈'")
      assert.strictEqual(cutInside.stdout, `aa${"日".repeat(340)}\n[output truncated after 1024 bytes]\n`)
    }).pipe(Effect.scoped, Effect.provide(layerWith(best, { limits: { outputBytes: 1024 } }))))

  it.live("that never ends is cut, and the command ends at its time", () =>
    Effect.gen(function*() {
      const sh = yield* shell
      const floods = ["yes flood", "cat /dev/zero >&2", "yes one & yes two >&2 & wait", "while :; do echo 日本; done"]
      const isCut = "[output truncated after 65536 bytes]"
      // On a busy machine it takes longer until there is enough to cut.
      const flood = (line: string, millis: number): ReturnType<typeof ended> =>
        Effect.flatMap(ended(line, millis), (text) =>
          text.includes(isCut) || millis > 60_000 ? Effect.succeed(text) : flood(line, 4 * millis))
      const ended = (line: string, millis: number) =>
        Effect.map(
          failsWith(sh(line, millis), "ExecutionTimeoutError"),
          ({ stderr, stdout }) =>
            stdout + stderr
        )
      const texts = yield* Effect.all(floods.map((line) => flood(line, 1500)), { concurrency: 4 })
      for (const text of texts) assert.include(text, isCut)
      assert.strictEqual((yield* sh("echo well")).stdout, "well\n")
      yield* sh("yes background & echo started")
      assert.strictEqual((yield* sh("echo well")).stdout, "well\n")
    }).pipe(Effect.scoped, Effect.provide(layerWith(best, { limits: { outputBytes: 65_536 } }))))

  it.live("may be any bytes, and is decoded as a whole", () =>
    Effect.gen(function*() {
      const sh = yield* shell
      const binary = yield* sh("printf '\\000\\001\\377\\376a\\r\\n\\033[0m'; printf '\\357\\273\\277b' >&2")
      assert.strictEqual(binary.stdout, "\0\u0001\uFFFD\uFFFDa\r\n\u001b[0m")
      assert.strictEqual(binary.stderr, "\uFEFFb")
      const slow = yield* sh("for byte in 360 237 216 210 303 251; do printf \"\\\\$byte\"; sleep 0.02; done")
      assert.strictEqual(slow.stdout, "🎈é")
      const long = yield* sh("node -e \"process.stdout.write('日本🎈é'.repeat(30000))\"")
      assert.isTrue(long.stdout === "日本🎈é".repeat(30_000))
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.scoped("costs the agent no more than what is kept", () =>
    Effect.gen(function*() {
      const { begin, call, pid } = yield* Agent.make()
      // What the agent loads for its first commands is no part of what output costs.
      yield* call("shell", { command: "head -c 1000000 /dev/zero", timeoutMs: 60_000, maxOutputBytes: 100_000 })
      const before = residentOf(pid)
      const { answer } = begin("shell", { command: "cat /dev/zero", timeoutMs: 2000, maxOutputBytes: 100_000 })
      let most = 0
      const measuring = setInterval(() => {
        most = Math.max(most, residentOf(pid) - before)
      }, 20)
      const { value } = yield* Effect.promise(() => answer)
      clearInterval(measuring)
      assert.deepInclude(value, { timedOut: true, stdoutBytes: 100_000, stdoutTruncated: true })
      assert.isBelow(most, 16 * 2 ** 20)
    }))

  it.scoped("is waited for only while somebody can still write", () =>
    Effect.gen(function*() {
      const { call } = yield* Agent.make()
      const fastest = Array.from({ length: 30 }, () => Infinity)
      for (const index of fastest.keys()) {
        const began = performance.now()
        yield* call("shell", { command: "true", timeoutMs: 10_000 })
        fastest[index] = performance.now() - began
      }
      assert.isBelow(Math.min(...fastest), 50 * slowdown())
    }))
})
