import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"
import { atRest, processesWith, until } from "../support/processes/processes.js"

const { AgentProcess, failsWith, run, shell } = Agent
const isLinux = process.platform === "linux"

/** A number of seconds that no other process sleeps for. */
const uniqueSeconds = () => `8${process.pid}.${Math.floor(Math.random() * 1e9)}`

/** Where a descriptor leads; one that was closed since it was listed leads nowhere. */
const linkOf = (path: string) => {
  try {
    return Fs.readlinkSync(path)
  } catch {
    return ""
  }
}

describe.skipIf(!isLinux)("agent", () => {
  describe("process", () => {
    it.scoped("says that it is ready, answers, and refuses what it does not know", () =>
      Effect.gen(function*() {
        const { call } = yield* Agent.make()
        assert.isNull((yield* call("ping")).value["nothing"] ?? null)
        assert.isTrue((yield* call("ping")).ok)
        failsWith(yield* call("constructor"), "EINVAL")
        failsWith(yield* call("shell", { command: 5, timeoutMs: 10 }), "EINVAL")
      }))

    it.scoped("takes frames in any pieces", () =>
      Effect.gen(function*() {
        const { call, home } = yield* Agent.make()
        const body = Buffer.from("x".repeat(300_000))
        const path = Path.join(home, "pieces")
        assert.isTrue((yield* call("writeFile", { path, mode: "overwrite" }, body)).ok)
        assert.strictEqual(Fs.statSync(path).size, body.length)
      }))

    it.scoped("keeps no descriptor that it was started with", () =>
      Effect.gen(function*() {
        const directory = Fs.openSync("/etc", "r")
        const { pid } = yield* Agent.make({ inherited: [directory, directory] })
        Fs.closeSync(directory)
        const open = Fs.readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
        assert.notInclude(open, "/etc")
      }))

    it.scoped("ends everything it has started when its input ends", () =>
      Effect.gen(function*() {
        const { call, close } = yield* Agent.make()
        const [group, session] = [uniqueSeconds(), uniqueSeconds()]
        yield* call("shell", { command: `sleep ${group} & setsid sleep ${session} &`, timeoutMs: 5000 })
        yield* call("runCode", { language: "javascript", code: "1", timeoutMs: 5000 })
        assert.isTrue(yield* until(() => processesWith(group).length + processesWith(session).length === 2))
        assert.strictEqual(yield* close, 0)
        assert.isTrue(yield* until(() => processesWith(group).length + processesWith(session).length === 0))
      }))
  })

  layer(Agent.layer)("shell", (it) => {
    it.effect("gives output, exit code and signal", () =>
      Effect.gen(function*() {
        const answer = yield* shell("echo out; echo err >&2; exit 3")
        assert.deepStrictEqual([answer.stdout, answer.stderr], ["out\n", "err\n"])
        assert.deepInclude(answer.value, { exitCode: 3, signal: null, timedOut: false, stdoutTruncated: false })
        assert.deepInclude((yield* shell("kill -TERM $$")).value, { exitCode: 143, signal: "SIGTERM" })
        assert.deepInclude((yield* shell("nonsense-command")).value, { exitCode: 127 })
      }))

    it.effect("has real pipes and an empty input", () =>
      Effect.gen(function*() {
        const answer = yield* shell("echo a >/dev/stderr; echo b | tee /dev/stderr; cat; ls /proc/self/fd | wc -l")
        assert.strictEqual(answer.stderr, "a\nb\n")
        assert.strictEqual(answer.stdout, "b\n4\n")
      }))

    it.effect("takes the values of variables literally and nothing from its own environment", () =>
      Effect.gen(function*() {
        const value = "a 'b' \"c\"; $HOME `id` !@#%^&*()\nline"
        const { stdout } = yield* shell("printf %s \"$V\"", { envs: { V: value } })
        assert.strictEqual(stdout, value)
        const names = (yield* shell("env | cut -d= -f1 | sort")).stdout.trim().split("\n")
        const own = Fs.existsSync("/bin/bash") ? ["SHLVL", "_"] : []
        const expected = [...own, "AGB_CALL_ID", "HOME", "LANG", "MARKER", "PATH", "PWD", "TMPDIR"]
        assert.sameMembers(names, expected)
        failsWith(yield* shell("true", { envs: { "A=B": "" } }), "EINVAL")
        failsWith(yield* shell("true", { envs: { A: 1 } }), "EINVAL")
      }))

    it.effect("takes variables of any name, those that shells cannot name too", () =>
      Effect.gen(function*() {
        const envs = {
          "-u": "5",
          m: "1",
          "npm_config_a-b": "2\n$HOME",
          "spring.profile": "3",
          "1a": "4",
          naïve: "6",
          "a b": "7"
        }
        const { stdout } = yield* shell("cat /proc/self/environ", { envs })
        const entries = stdout.split("\0")
        for (const [name, value] of Object.entries(envs)) assert.include(entries, `${name}=${value}`)
        assert.include((yield* shell("exit 3", { envs })).value, { exitCode: 3 })
      }))

    it.effect("runs in the working directory or the one asked for", () =>
      Effect.gen(function*() {
        const { home } = yield* AgentProcess
        const spaced = Path.join(home, "with spaces")
        Fs.mkdirSync(spaced)
        assert.strictEqual((yield* shell("pwd")).stdout, `${Fs.realpathSync(home)}\n`)
        assert.strictEqual((yield* shell("pwd", { cwd: spaced })).stdout, `${Fs.realpathSync(spaced)}\n`)
        failsWith(yield* shell("pwd", { cwd: "relative" }), "EINVAL")
        failsWith(yield* shell("pwd", { cwd: "/no/such/place" }), "ENOENT")
        failsWith(yield* shell("pwd", { cwd: "/etc/passwd" }), "ENOTDIR")
      }))

    it.effect("cuts each stream at its limit", () =>
      Effect.gen(function*() {
        const answer = yield* shell("head -c 300000 /dev/zero; head -c 10 /dev/zero >&2", { maxOutputBytes: 100_000 })
        assert.deepInclude(answer.value, {
          exitCode: 0,
          stdoutBytes: 100_000,
          stdoutTruncated: true,
          stderrBytes: 10,
          stderrTruncated: false
        })
        assert.strictEqual(answer.body.length, 100_010)
      }))

    it.effect("runs commands longer than an argument may be", () =>
      Effect.gen(function*() {
        const text = "x".repeat(300_000)
        const answer = yield* shell(`cat <<'END' | wc -c\n${text}\nEND`)
        assert.strictEqual(answer.stdout.trim(), "300001")
      }))

    it.effect("streams as output comes, and in the reply says how much there was", () =>
      Effect.gen(function*() {
        const { begin, home } = yield* AgentProcess
        const seen = Path.join(home, "seen")
        const command = `echo one; while [ ! -e '${seen}' ]; do sleep 0.01; done; echo two`
        const args = { command, stream: true, timeoutMs: 15_000 }
        const { answer } = begin("shell", args, undefined, () => Fs.writeFileSync(seen, ""))
        const { body, events, value } = yield* Effect.promise(() => answer)
        assert.deepInclude(value, { stdoutBytes: 8, stdoutTruncated: false, stderrBytes: 0 })
        assert.strictEqual(body.length, 0)
        assert.deepStrictEqual(events.map(({ event, text }) => [event, text]), [["stdout", "one\n"], [
          "stdout",
          "two\n"
        ]])
      }))

    it.effect("is not called node, so that whoever ends all such programs keeps it and the kernel", () =>
      Effect.gen(function*() {
        const { pid } = yield* AgentProcess
        assert.strictEqual(Fs.readFileSync(`/proc/${pid}/comm`, "utf8"), "agb-agent\n")
        const code = "require('fs').readFileSync('/proc/self/comm', 'utf8').trim()"
        assert.strictEqual((yield* run("javascript", code)).results[0]?.["text/plain"], "'agb-javascript'")
      }))

    it.effect("does not wait for jobs in the background, which go on", () =>
      Effect.gen(function*() {
        const { home } = yield* AgentProcess
        const waiting = "until [ -e go ]; do sleep 0.05; done"
        const answer = yield* shell(`(${waiting}; echo line; touch done) & echo started`)
        assert.strictEqual(answer.stdout, "started\n")
        Fs.writeFileSync(Path.join(home, "go"), "")
        assert.isTrue(yield* until(() => Fs.existsSync(Path.join(home, "done"))))
      }))

    it.effect("ends a command that is too long, with its children and those that left the group", () =>
      Effect.gen(function*() {
        const [child, stray] = [uniqueSeconds(), uniqueSeconds()]
        const answer = yield* shell(`echo before; setsid sleep ${stray} & sleep ${child}; echo after`, {
          timeoutMs: 200
        })
        assert.deepInclude(answer.value, { exitCode: 124, timedOut: true, signal: "SIGKILL" })
        assert.strictEqual(answer.stdout, "before\n")
        assert.isTrue(yield* until(() => processesWith(child).length + processesWith(stray).length === 0))
      }))

    it.effect("ends a command that is cancelled", () =>
      Effect.gen(function*() {
        const { begin, post } = yield* AgentProcess
        const { answer, id } = begin("shell", { command: "sleep 10", timeoutMs: 20_000 })
        yield* shell("true")
        post({ op: "cancel", target: id })
        assert.deepInclude((yield* Effect.promise(() => answer)).value, { exitCode: 137, timedOut: false })
      }))

    it.effect("runs calls side by side", () =>
      Effect.gen(function*() {
        const answers = yield* Effect.all(Array.from({ length: 20 }, (_, index) => shell(`sleep 0.1; echo ${index}`)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(answers.map(({ stdout }) => stdout.trim()), answers.map((_, index) => String(index)))
      }))

    it.effect("survives the removal of everything in its temporary directory", () =>
      Effect.gen(function*() {
        yield* shell("rm -rf $TMPDIR/* $TMPDIR/.[a-z]*")
        assert.strictEqual((yield* shell("echo still here")).stdout, "still here\n")
      }))

    it.effect("holds back output while the host does not take it", () =>
      Effect.gen(function*() {
        const { begin, home, pause, pid, resume } = yield* AgentProcess
        const memory = () => Number(/RssAnon:\s*(\d+)/.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
        const before = memory()
        pause()
        const command = "echo begun >held; head -c 40000000 /dev/zero"
        const { answer } = begin("shell", { command, timeoutMs: 60_000, stream: true, maxOutputBytes: 50_000_000 })
        assert.isTrue(yield* until(() => Fs.existsSync(Path.join(home, "held"))))
        yield* atRest(() => [pid, ...processesWith("40000000")])
        assert.isBelow(memory() - before, 8 * 1024)
        resume()
        const { events, value } = yield* Effect.promise(() => answer)
        assert.deepInclude(value, { stdoutBytes: 40_000_000, stdoutTruncated: false, exitCode: 0 })
        assert.strictEqual(events.reduce((sum, { text }) => sum + text.length, 0), 40_000_000)
      }))
  })
})
