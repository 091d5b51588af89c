/** The agent of a sandbox as a bare process on pipes, without a sandbox around it. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { eventBytes } from "../../../src/internal/agentWire/window.js"

export interface Answer {
  readonly ok: boolean
  readonly code?: string
  readonly message?: string
  readonly value: Record<string, unknown>
  readonly body: Buffer
  /** Chunks that came before the reply. */
  readonly events: ReadonlyArray<{ readonly event: string; readonly text: string }>
  readonly stdout: string
  readonly stderr: string
}

/** The kinds of JSON that an answer has, so that tests need not check each. */
export interface RunValue {
  readonly results: ReadonlyArray<Record<string, unknown>>
  readonly error: { readonly name: string; readonly value: string; readonly traceback: string } | null
  readonly executionCount: number
  readonly executionTime: number
  readonly timedOut: "interrupted" | "killed" | null
  readonly kernelRestarted: boolean
  readonly died: string | null
}

export interface Call {
  readonly id: number
  readonly answer: Promise<Answer>
}

export interface AgentProcess {
  readonly home: string
  readonly pid: number
  readonly marker: string
  readonly call: (op: string, args?: object, body?: Uint8Array) => Effect.Effect<Answer>
  /** The call without waiting for its answer; `onEvent` is called for each chunk that comes before. */
  readonly begin: (op: string, args?: object, body?: Uint8Array, onEvent?: () => void) => Call
  readonly post: (json: object) => void
  /** Stops and resumes taking what the agent writes. */
  readonly pause: () => void
  readonly resume: () => void
  /** Closes the agent's descriptor 0 and waits for its end. */
  readonly close: Effect.Effect<number | null>
}

export const AgentProcess = Context.GenericTag<AgentProcess>("test/AgentProcess")

const executable = (...candidates: ReadonlyArray<string>) => candidates.find((path) => Fs.existsSync(path))

export const interpreters = {
  python: executable("/usr/bin/python3", "/usr/local/bin/python3"),
  node: process.execPath,
  java: executable("/usr/bin/java"),
  r: executable("/usr/bin/Rscript", "/usr/local/bin/Rscript")
}

/** Frames, written down a second time: u32 length, u32 id, u32 length of the JSON, JSON, body. */
const frame = (id: number, json: object, body: Uint8Array = new Uint8Array()): Buffer => {
  const text = Buffer.from(JSON.stringify(json))
  const head = Buffer.alloc(12)
  head.writeUInt32BE(8 + text.length + body.length, 0)
  head.writeUInt32BE(id, 4)
  head.writeUInt32BE(text.length, 8)
  return Buffer.concat([head, text, body])
}

const frames = (onFrame: (id: number, json: Record<string, unknown>, body: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 12 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const [end, middle] = [4 + rest.readUInt32BE(0), 12 + rest.readUInt32BE(8)]
      onFrame(rest.readUInt32BE(4), JSON.parse(rest.toString("utf8", 12, middle)), rest.subarray(middle, end))
      rest = rest.subarray(end)
    }
  }
}

const agentPath = fileURLToPath(new URL("../../../dist/agent/agent.cjs", import.meta.url))

const split = (value: Record<string, unknown>, body: Buffer) => {
  const middle = Number(value["stdoutBytes"] ?? 0)
  return { stdout: body.toString("utf8", 0, middle), stderr: body.toString("utf8", middle) }
}

export interface Options {
  /** Descriptors that the agent is started with, from 3 upwards. */
  readonly inherited?: ReadonlyArray<number>
  readonly interpreters?: Readonly<Record<string, string | undefined>>
}

const start = (options: Options): Promise<AgentProcess> =>
  new Promise((resolve) => {
    const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-agent-"))
    const marker = Path.basename(home)
    const config = {
      home,
      tmp: home,
      workdir: home,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, TMPDIR: home, LANG: "C.UTF-8", MARKER: marker },
      interpreters: options.interpreters ?? interpreters,
      limits: { maxOutputBytes: 1024 * 1024 }
    }
    const child = spawn(process.execPath, [agentPath, JSON.stringify(config)], {
      env: {},
      stdio: ["pipe", "pipe", "inherit", ...options.inherited ?? []]
    })
    const waiting = new Map<number, (json: Record<string, unknown>, body: Buffer) => void>()
    const exited = new Promise<number | null>((done) => child.once("exit", done))
    let ids = 0

    const post: AgentProcess["post"] = (json) => void child.stdin?.write(frame(++ids, json))

    const begin: AgentProcess["begin"] = (op, args = {}, body, onEvent) => {
      const id = ++ids
      const events: Array<Answer["events"][number]> = []
      const answer = new Promise<Answer>((done) =>
        waiting.set(id, (json, bytes) => {
          if (typeof json["event"] === "string") {
            events.push({ event: json["event"], text: bytes.toString("utf8") })
            onEvent?.()
            post({ op: "input", target: id, consumed: bytes.length + eventBytes })
            return
          }
          waiting.delete(id)
          const value = (json["value"] ?? {}) as Record<string, unknown>
          done({ ...json as unknown as Answer, value, body: bytes, events, ...split(value, bytes) })
        })
      )
      child.stdin?.write(frame(id, { op, ...args }, body))
      return { id, answer }
    }

    const agent: AgentProcess = {
      home,
      pid: child.pid ?? 0,
      marker,
      begin,
      call: (op, args, body) => Effect.promise(() => begin(op, args, body).answer),
      pause: () => void child.stdout?.pause(),
      resume: () => void child.stdout?.resume(),
      post,
      close: Effect.promise(() => {
        child.stdin?.end()
        return exited
      })
    }
    waiting.set(0, () => resolve(agent))
    child.stdout?.on("data", frames((id, json, body) => waiting.get(id)?.(json, body)))
  })

/** An agent for the life of the scope. */
export const make = (options: Options = {}) =>
  Effect.acquireRelease(
    Effect.promise(() => start(options)),
    ({ close, home }) => Effect.andThen(close, Effect.sync(() => Fs.rmSync(home, { recursive: true, force: true })))
  )

export const layer = Layer.scoped(AgentProcess, make())

const accepted = (answer: Answer) => {
  assert.isTrue(answer.ok, answer.message)
  return { ...answer, ...answer.value as unknown as RunValue }
}

/** A run that is expected to be answered; the time allowed is generous unless the test is about it. */
export const run = (language: string, code: string, options: object = {}) =>
  Effect.flatMap(
    AgentProcess,
    ({ call }) => Effect.map(call("runCode", { language, code, timeoutMs: 15_000, ...options }), accepted)
  )

export const shell = (command: string, options: object = {}) =>
  Effect.flatMap(AgentProcess, ({ call }) => call("shell", { command, timeoutMs: 10_000, ...options }))

export const failsWith = (answer: Answer, code: string) => {
  assert.isFalse(answer.ok)
  assert.strictEqual(answer.code, code, answer.message)
}
