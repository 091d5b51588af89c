/** What becomes of `agb-local` when its machine fails it, or ends it at a bad moment. */
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { childrenOf } from "../../src/internal/sandbox/process/processTree.js"
import { type Program, run } from "../support/localProgram.js"
import { processesWith, until } from "../support/processes/processes.js"
import { best } from "../support/runtime.js"
import { toolAnswer, type WireSession } from "../support/wire.js"

/** A number that only the sandboxes of one server have in their command lines: bytes of memory. */
const uniqueMemory = () => {
  const mebibytes = 900 + Math.floor(Math.random() * 100_000)
  return { mebibytes: String(mebibytes), marker: String(mebibytes * 2 ** 20) }
}

const create = ({ post }: Program) => post("/mcp/createSession?imageId=code_latest", {})

/** Creates that nobody waits for: their server may end before it answers. */
const creating = (program: Program) =>
  Effect.forkScoped(
    Effect.all(Array.from({ length: 6 }, () => Effect.exit(create(program))), { concurrency: "unbounded" })
  )

const answers = (program: Program, sessionId: unknown) =>
  Effect.map(
    program.post("/mcp", { sessionId, name: "shell", args: { command: "echo well", timeout_ms: 20_000 } }),
    (reply) => assert.include(toolAnswer(reply).text, "well")
  )

const moments = [0, 40, 150] as const

describe.skipIf(process.platform !== "linux")("agb-local, in the middle of creations", () => {
  it.live.each(moments)(
    "killed after %i ms leaves no process, and its successor nothing else",
    (moment) =>
      Effect.gen(function*() {
        const { marker, mebibytes } = uniqueMemory()
        const program = yield* run(["--pool-size", "1", "--log", "none", "--memory", mebibytes])
        yield* creating(program)
        yield* Effect.sleep(moment)
        const spawners = childrenOf(program.child.pid ?? 0)
        program.child.kill("SIGKILL")
        yield* Effect.promise(() => program.exited)
        assert.isTrue(yield* until(() => spawners.every((pid) => !Fs.existsSync(`/proc/${pid}/exe`))))
        assert.isTrue(yield* until(() => processesWith(marker).length === 0))
        const next = yield* run(["--pool-size", "0", "--log", "none"], program.folder)
        const { json } = yield* create(next)
        yield* answers(next, (json.data as { readonly sessionId: string }).sessionId)
        next.child.kill("SIGTERM")
        yield* Effect.promise(() => next.exited)
        assert.deepStrictEqual(Fs.readdirSync(program.folder), [])
      }).pipe(Effect.scoped)
  )

  it.live.each(moments)("told to end after %i ms leaves nothing", (moment) =>
    Effect.gen(function*() {
      const { marker, mebibytes } = uniqueMemory()
      const program = yield* run(["--pool-size", "1", "--log", "none", "--memory", mebibytes])
      const waiting = yield* creating(program)
      yield* Effect.sleep(moment)
      program.child.kill("SIGTERM")
      assert.strictEqual(yield* Effect.promise(() => program.exited), 143)
      assert.isTrue(yield* until(() => processesWith(marker).length === 0))
      assert.deepStrictEqual(Fs.readdirSync(program.folder), [])
      yield* Fiber.join(waiting)
    }).pipe(Effect.scoped))
})

const setDescriptors = ({ child }: Program, most: number | "unchanged") => {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(Fs.readFileSync(`/proc/${child.pid}/limits`, "utf8"))?.[1]
  execFileSync("prlimit", ["--pid", String(child.pid), `--nofile=${most === "unchanged" ? hard : most}:${hard}`])
}

const hasPrlimit = ["/usr/bin/prlimit", "/bin/prlimit"].some((path) => Fs.existsSync(path))

describe.skipIf(!hasPrlimit)("agb-local, out of file descriptors", () => {
  it.live("refuses what it cannot do, keeps what it has, and goes on when there are some again", () =>
    Effect.gen(function*() {
      const program = yield* run(["--pool-size", "0", "--log", "none"])
      const { child, createSession, post } = program
      const { sessionId } = yield* createSession
      const used = Fs.readdirSync(`/proc/${child.pid}/fd`).length
      for (const room of [4, 6, 8, 10]) {
        setDescriptors(program, used + room)
        const created = yield* Effect.all(Array.from({ length: 6 }, () => Effect.exit(create(program))), {
          concurrency: "unbounded"
        })
        const answered = created.flatMap((exit) => exit._tag === "Success" ? [exit.value] : [])
        for (const { json } of answered) assert.isString(json.requestId)
        setDescriptors(program, "unchanged")
        for (const { json, status } of answered) {
          if (status === 200) yield* post("/mcp/releaseSession", { sessionId: (json.data as WireSession).sessionId })
        }
        assert.isNull(child.exitCode)
        yield* answers(program, sessionId)
      }
      yield* answers(program, (yield* createSession).sessionId)
    }).pipe(Effect.scoped))
})

describe("a port that is taken", () => {
  it.live("is named in the error, and nothing is left of the start", () =>
    Effect.gen(function*() {
      const { endpoint } = yield* LocalAgb.make({ isolation: best, poolSize: 0 })
      const port = Number(new URL(endpoint).port)
      const error = yield* Effect.flip(Effect.scoped(LocalAgb.make({ isolation: best, poolSize: 1, port })))
      assert.include(error, { _tag: "LocalServerError", port, code: "EADDRINUSE" })
      assert.include(error.message, "choose another port")
    }).pipe(Effect.scoped))
})
