/** Which shell runs commands, and what it says of what it cannot do. */
import { Session } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Agent from "../support/agent/agentProcess.js"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith } from "../support/runtime.js"

const session = Session.make({ imageId: "code_latest" })

const programs: ReadonlyArray<readonly [string, string]> = [
  ["[[ abc == a* ]] && echo yes", "yes\n"],
  ["set -o pipefail; false | true; echo $? ${PIPESTATUS[0]}", "1 1\n"],
  ["echo 'export V=1' > env.sh; source ./env.sh; echo $V", "1\n"],
  ["a=(1 2 3); echo ${a[1]} ${#a[@]} {1..3}", "2 3 1 2 3\n"],
  ["cat <<< word; diff <(echo a) <(echo a) && echo same", "word\nsame\n"]
]

describe.skipIf(process.platform !== "linux")("the shell", () => {
  it.live.skipIf(!Fs.existsSync("/bin/bash"))("is Bash where there is one", () =>
    Effect.gen(function*() {
      const { command } = yield* session
      for (const [line, output] of programs) {
        assert.deepInclude(yield* command.executeCommand(line), { stdout: output, stderr: "" }, line)
      }
      const long = `a=(1 2); echo \${#a[@]}; : '${"x".repeat(200_000)}'`
      assert.strictEqual((yield* command.executeCommand(long)).stdout, "2\n")
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.scoped("is /bin/sh where there is none, and says so where Bash was needed", () =>
    Effect.gen(function*() {
      const { call } = yield* Agent.make({ interpreters: { node: process.execPath, shell: "/bin/sh" } })
      const sh = (command: string) => call("shell", { command, timeoutMs: 10_000 })
      const isBash = (yield* sh("echo $BASH_VERSION")).stdout !== "\n"
      const note = "[the shell of this session is /bin/sh, since Bash is not installed"
      for (const [line] of programs.slice(0, isBash ? 0 : 2)) assert.include((yield* sh(line)).stderr, note, line)
      assert.notInclude((yield* sh("no-such-command")).stderr, note)
      assert.strictEqual((yield* sh("[[ a ]]; true")).value["exitCode"], 0)
      assert.notInclude((yield* sh("[[ a ]]; true")).stderr, note)
    }))

  it.live("says that there is no network, where a command ran out of time without one", () =>
    Effect.gen(function*() {
      const { code, command } = yield* session
      const late = yield* failsWith(
        command.executeCommand("sleep 60", { timeout: "200 millis" }),
        "ExecutionTimeoutError"
      )
      assert.include(late.stderr, "timed out after 200 ms; this session has no network")
      assert.include(late.message, "this session has no network; pass a longer timeout")
      const run = code.runCode("await new Promise(() => {})", "javascript", { timeout: "1 second" })
      assert.include((yield* failsWith(run, "ExecutionTimeoutError")).message, "this session has no network")
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))

  it.live("names the directory that is missing", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* session
      const home = (yield* command.executeCommand("echo x > have.txt; pwd")).stdout.trim()
      const written = yield* failsWith(fileSystem.writeFile(`${home}/new/deep/f.txt`, "x"), "FileNotFoundError")
      assert.strictEqual(written.path, `${home}/new`)
      const moved = yield* failsWith(fileSystem.moveFile(`${home}/have.txt`, `${home}/gone/f.txt`), "FileNotFoundError")
      assert.strictEqual(moved.path, `${home}/gone`)
      assert.include(moved.detail, `${home}/gone/f.txt`)
      const taken = yield* failsWith(fileSystem.writeFile(`${home}/have.txt/below/f`, "x"), "FileError")
      assert.deepInclude(taken, { reason: "NotDirectory", path: `${home}/have.txt` })
      const missing = yield* failsWith(fileSystem.moveFile(`${home}/none`, `${home}/to`), "FileNotFoundError")
      assert.strictEqual(missing.path, `${home}/none`)
    }).pipe(Effect.scoped, Effect.provide(layerWith(best))))
})
