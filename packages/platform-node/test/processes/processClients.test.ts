/** Processes and the programs that use them: killed, racing, cut off, and with more output than they can hold. */
import type { Agb } from "@effect-agb/core"
import { type Process, Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { AGB } from "@effect-agb/platform-node/AgbPromise"
import { assert, it } from "@effect/vitest"
import type { Layer } from "effect"
import { Chunk, Duration, Effect, Either, Exit, Option, Redacted, Stream } from "effect"
import type { ChildProcess } from "node:child_process"
import { make as makeProxy } from "../support/faultProxy.js"
import { changed, cut, lostReply, lostRequest, makeGate, unavailable } from "../support/faults.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"
import { best, serverLayer } from "../support/runtime.js"

const imageId = "agb-code-space-1"

interface Server {
  readonly agb: Layer.Layer<Agb.Agb, unknown>
  readonly program: (sessionId: string, ...args: ReadonlyArray<string>) => Effect.Effect<ChildProcess>
}

const serverOf = ({ apiKey, endpoint }: LocalAgb.LocalAgb["Type"]): Server => ({
  agb: NodeAgb.layer({ apiKey, endpoint }),
  program: (sessionId, ...args) =>
    Effect.promise(() =>
      spawnFixture("processReader.mts", {
        args,
        env: { AGB_API_KEY: Redacted.value(apiKey), AGB_ENDPOINT: endpoint, AGB_SESSION: sessionId }
      })
    )
})

const withServer = (options: LocalAgb.Options, body: (server: Server) => Effect.Effect<void, unknown, Agb.Agb>) =>
  Effect.flatMap(LocalAgb.LocalAgb, (local) => {
    const server = serverOf(local)
    return Effect.provide(body(server), server.agb)
  }).pipe(Effect.provide(serverLayer(options)))

const outputOfAll = (children: ReadonlyArray<ChildProcess>) => Effect.promise(() => Promise.all(children.map(outputOf)))

interface Line {
  readonly stream: "stdout" | "stderr"
  readonly cursor: Process.Cursor
  readonly base64: string
  readonly done?: boolean
}

const linesOf = (output: string): ReadonlyArray<Line> =>
  output.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Line)

const endsWith = ({ exit }: Process.Process) => Effect.map(exit, ({ exitCode }) => exitCode)

/** The complete lines that a program has written when it is killed after some of them. */
const killedAfter = (child: ChildProcess, lines: number) =>
  Effect.async<ReadonlyArray<Line>>((resume) => {
    let output = ""
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      if (output.split("\n").length > lines) child.kill("SIGKILL")
    })
    child.once("close", () => resume(Effect.succeed(linesOf(output))))
  })

/** Prints in three parts, each when it is told to. */
const counts = "i=0; for part in 1 2 3; do until [ -e \"$HOME/go$part\" ]; do sleep 0.05; done; " +
  "while [ $i -lt $((part * 150)) ]; do echo \"line $i ü\"; echo \"error $i\" >&2; i=$((i + 1)); done; done"

const counted = (word: string, end = "") =>
  Array.from({ length: 450 }, (_, index) => `${word} ${index}${end}\n`).join("")

const textOf = (lines: ReadonlyArray<Line>, stream: Line["stream"]) =>
  Buffer.concat(lines.filter((line) => line.stream === stream).map(({ base64 }) => Buffer.from(base64, "base64")))
    .toString()

it.live("a reader is killed, and the next one goes on with the very next byte", () =>
  withServer({}, ({ program }) =>
    Session.use({ imageId }, ({ command, sessionId }) =>
      Effect.gen(function*() {
        yield* command.startDetached(counts, { key: "counts" })
        const lines: Array<Line> = []
        const reader = (part: number) =>
          Effect.zipRight(
            command.executeCommand(`touch "$HOME/go${part}"`),
            program(sessionId, "read", "counts", JSON.stringify(lines.at(-1)?.cursor ?? { stdout: 0, stderr: 0 }))
          )
        for (const part of [1, 2]) lines.push(...(yield* killedAfter(yield* reader(part), 1)))
        const [output = ""] = yield* outputOfAll([yield* reader(3)])
        lines.push(...linesOf(output))
        assert.isTrue(lines.pop()?.done)
        assert.strictEqual(textOf(lines, "stdout"), counted("line", " ü"))
        assert.strictEqual(textOf(lines, "stderr"), counted("error"))
      }))))

it.live("two programs start the same key at the same moment, and it runs once", () =>
  withServer({}, ({ program }) =>
    Session.use({ imageId }, ({ command, sessionId }) =>
      Effect.gen(function*() {
        const start = program(sessionId, "start", "once", "echo ran >>\"$HOME/runs\"; sleep 100")
        const outputs = yield* outputOfAll(yield* Effect.all([start, start], { concurrency: 2 }))
        const [one, other] = outputs.map((output) => JSON.parse(output) as { isNew: boolean; pid: number })
        assert.strictEqual(one?.pid, other?.pid)
        assert.sameMembers([one?.isNew, other?.isNew], [true, false])
        const { stdout } = yield* command.executeCommand("cat \"$HOME/runs\"")
        assert.strictEqual(stdout, "ran\n")
      }))))

it.live("a program is killed while it starts processes, and the next one finds or starts each, and it runs once", () =>
  withServer({}, ({ program }) =>
    Session.use({ imageId }, ({ command, sessionId }) =>
      Effect.gen(function*() {
        const line = "echo \"$KEY\" >>\"$HOME/runs\"; sleep 0.3"
        const rounds = ["a", "b", "c"]
        for (const [nth, round] of rounds.entries()) {
          yield* killedAfter(yield* program(sessionId, "startMany", round, line), 1 + 4 * nth)
        }
        const keys = rounds.flatMap((round) => Array.from({ length: 24 }, (_, nth) => `${round}-${nth}`)).sort()
        const again = (key: string) =>
          Effect.flatMap(command.startDetached(line, { key, envs: { KEY: key } }), endsWith).pipe(Effect.either)
        const ends = yield* Effect.forEach(keys, again, { concurrency: "unbounded" })
        assert.deepStrictEqual(ends, keys.map(() => Either.right(0)))
        const { stdout } = yield* command.executeCommand("sort \"$HOME/runs\"")
        assert.strictEqual(stdout, keys.map((key) => `${key}\n`).join(""))
      }))))

it.live("a hundred processes run in one session", () =>
  withServer({}, () =>
    Session.use({ imageId }, ({ command }) =>
      Effect.gen(function*() {
        const run = (index: number) =>
          Effect.gen(function*() {
            const process = yield* command.startDetached(`sleep 1; echo ${index}; exit ${index}`, { key: `p${index}` })
            const { exitCode } = yield* process.exit
            const output = Chunk.toReadonlyArray(yield* Stream.runCollect(process.stdout))
            return [exitCode, Buffer.concat(output).toString()] as const
          })
        const indices = Array.from({ length: 100 }, (_, index) => index)
        const ends = yield* Effect.forEach(indices, run, { concurrency: "unbounded" })
        assert.deepStrictEqual(ends, indices.map((index) => [index, `${index}\n`] as const))
        assert.strictEqual((yield* command.listProcesses).length, 100)
      }))))

const mebibyte = 2 ** 20

it.live("a reader takes any amount of output in memory that stays flat", () =>
  withServer(
    { limits: { workspaceBytes: 128 * mebibyte } },
    ({ program }) =>
      Session.use({ imageId }, ({ command, sessionId }) =>
        Effect.gen(function*() {
          const line = "yes 'some line of text' | head -c 67108864"
          const process = yield* command.startDetached(line, { key: "large" })
          yield* process.exit
          const { stdout } = yield* command.executeCommand(`${line} | sha256sum`)
          const [output = ""] = yield* outputOfAll([yield* program(sessionId, "measure", "large")])
          const { digest, growth, size } = JSON.parse(output) as { digest: string; growth: number; size: number }
          assert.deepStrictEqual([size, digest], [64 * mebibyte, stdout.slice(0, 64)])
          assert.isBelow(growth, 64 * mebibyte)
        }))
  ))

it.live("less output per call than is asked for costs calls, not bytes", () =>
  withServer(
    { limits: { outputBytes: 64 * 1024 } },
    () =>
      Session.use({ imageId }, ({ command }) =>
        Effect.gen(function*() {
          const process = yield* command.startDetached("seq 1 40000", { key: "numbers" })
          const chunks = Chunk.toReadonlyArray(yield* Stream.runCollect(process.stdout))
          const expected = Array.from({ length: 40_000 }, (_, index) => `${index + 1}\n`).join("")
          assert.strictEqual(Buffer.concat(chunks).toString(), expected)
        }))
  ))

it.live("replies that are lost or cut neither start, read, signal nor write anything twice", () =>
  Effect.gen(function*() {
    const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
    const proxy = yield* makeProxy(endpoint, Redacted.value(apiKey))
    const retry = { baseDelay: Duration.millis(5), maxDelay: Duration.millis(50) }
    const cutBody = changed((body) => body.slice(0, body.length >> 1))
    const program = Session.use({ imageId }, ({ command }) =>
      Effect.gen(function*() {
        const line = "trap 'echo caught' USR1; echo ran; echo ran >>\"$HOME/runs\"; cat; echo end; sleep 0.2; exit 5"
        proxy.faults.next("shell", lostReply, unavailable("after"))
        const process = yield* command.start(line, { stdin: "pipe" })
        assert.isTrue(process.isNew)
        proxy.faults.next("shell", lostReply)
        yield* process.waitForLog(/ran/)
        proxy.faults.next("shell", undefined, lostReply, unavailable("after"), undefined, lostReply, lostRequest)
        const input = Stream.make(Buffer.from("one\n"), Buffer.from("two\n")).pipe(Stream.rechunk(1))
        const written = yield* Effect.exit(Stream.run(input, process.stdin))
        assert.isTrue(Exit.isSuccess(written), String(written))
        proxy.faults.next("shell", cutBody, lostReply)
        const chunks = Chunk.toReadonlyArray(yield* Stream.runCollect(process.stdout))
        assert.strictEqual(Buffer.concat(chunks).toString(), "ran\none\ntwo\nend\n")
        proxy.faults.next("shell", cutBody, lostReply)
        const { exitCode, signal } = yield* process.exit
        assert.deepStrictEqual([exitCode, signal], [5, Option.none()])
        proxy.faults.clear()
        assert.strictEqual((yield* command.executeCommand("cat \"$HOME/runs\"")).stdout, "ran\n")

        const counts =
          "n=0; trap 'n=$((n + 1)); echo $n' USR1; trap 'exit $n' TERM; echo ready; while :; do sleep 0.05; done"
        const counter = yield* command.start(counts)
        yield* counter.waitForLog(/ready/)
        proxy.faults.next("shell", lostReply, unavailable("after"))
        yield* counter.kill("SIGUSR1")
        proxy.faults.clear()
        yield* counter.waitForLog(/1/)
        yield* counter.kill()
        assert.strictEqual((yield* counter.exit).exitCode, 1)
      }).pipe(Effect.scoped))
    yield* Effect.provide(program, NodeAgb.layer({ apiKey, endpoint: proxy.endpoint, retry }))
  }).pipe(Effect.scoped, Effect.provide(serverLayer())))

it.live("a start that arrives after the end of its scope runs nothing", () =>
  Effect.gen(function*() {
    const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
    const proxy = yield* makeProxy(endpoint, Redacted.value(apiKey))
    const gate = yield* makeGate
    const program = Session.use({ imageId }, ({ command }) =>
      Effect.gen(function*() {
        proxy.faults.next("shell", { ...gate.fault("meanwhile"), answer: () => cut })
        const error = yield* Effect.flip(Effect.scoped(command.start("echo ran >>\"$HOME/runs\"")))
        assert.isTrue(error.mayHaveHappened)
        yield* gate.open
        const { stdout } = yield* command.executeCommand("sleep 1; cat \"$HOME/runs\" 2>/dev/null || true")
        assert.strictEqual(stdout, "")
      }))
    const client = NodeAgb.layer({ apiKey, endpoint: proxy.endpoint, retry: { maxAttempts: 1 } })
    yield* Effect.provide(program, client)
  }).pipe(Effect.scoped, Effect.provide(serverLayer())))

it.live("a port is waited for, and that wait ends with the process", () =>
  withServer({}, () =>
    Session.use({ imageId }, ({ command }) =>
      Effect.gen(function*() {
        const server = "sleep 0.3; exec node -e 'require(\"http\").createServer().listen(30101, \"127.0.0.1\")'"
        const process = yield* command.start(server)
        yield* process.waitForPort(30_101)
        yield* process.kill()
        yield* process.exit
        const error = yield* Effect.flip(process.waitForPort(30_102))
        assert.strictEqual(error._tag === "ProcessError" ? error.reason : error._tag, "Ended")
      }).pipe(Effect.scoped))))

it.live("promises: started, told about, fed, signalled and found again", () =>
  Effect.promise(async () => {
    await using agb = AGB.local({ isolation: best.level === "none" ? "none" : "auto" })
    await agb.withSession({ imageId }, async ({ command }) => {
      const started = await command.startDetached("cat; printf 'ü' >&2; exit 3", "cat", { stdin: "pipe" })
      if (!started.success) throw started.error
      const { process } = started
      assert.isTrue((await process.writeInput("naïve\n")).success)
      const told: Array<string> = []
      const ended = await process.wait({ onStdout: (text) => told.push(text), onStderr: (text) => told.push(text) })
      if (!ended.success) throw ended.error
      assert.deepStrictEqual([ended.data.exitCode, ended.data.signal, told.join("")], [3, undefined, "naïve\nü"])
      const bytes: Array<Uint8Array> = []
      for await (const { bytes: piece } of process.logs({ stdout: 3, stderr: 2 })) bytes.push(piece)
      assert.strictEqual(Buffer.concat(bytes).toString("latin1"), "\xafve\n")

      const sleeper = await command.startDetached("echo ready; exec sleep 100", "sleeper")
      const found = await command.attach("sleeper")
      if (!sleeper.success || !found.success) throw sleeper.error ?? found.error
      assert.isTrue((await found.process.waitForLog(/ready/)).success)
      const leaving = new AbortController()
      const waiting = found.process.wait({ signal: leaving.signal })
      leaving.abort(new Error("enough"))
      assert.strictEqual(await waiting.catch((error: Error) => error.message), "enough")
      for await (const _ of found.process.stdout()) break
      await found.process[Symbol.asyncDispose]()
      const listed = await command.listProcesses()
      assert.deepStrictEqual(listed.data?.map(({ exit, key }) => [key, exit?.signal]), [
        ["cat", undefined],
        ["sleeper", "SIGTERM"]
      ])
      const refused = await command.startDetached("true", "../up")
      assert.strictEqual(refused.error?._tag, "InvalidRequestError")
      assert.strictEqual((await command.attach("none")).error?._tag, "ProcessNotFoundError")
    })
  }))
