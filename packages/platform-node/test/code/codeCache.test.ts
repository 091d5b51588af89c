/** The code cache of the agent: used by the V8 that made it, and harmless to any other. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

const built = fileURLToPath(new URL("../../dist/agent/", import.meta.url))

const named = (folder: string, pattern: RegExp) =>
  Path.join(folder, Fs.readdirSync(folder).find((name) => pattern.test(name)) ?? "")

const copy = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-cache-")))
    Fs.cpSync(built, folder, { recursive: true })
    return folder
  }),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

/** The first thing that an agent sends. */
const firstWords = (folder: string) =>
  Effect.promise(() =>
    new Promise<string>((resolve) => {
      const config = { home: folder, tmp: folder, env: {}, interpreters: {}, limits: { maxOutputBytes: 1000 } }
      const child = spawn(process.execPath, [Path.join(folder, "agent.cjs"), JSON.stringify(config)], {
        stdio: ["pipe", "pipe", "inherit"]
      })
      const words = new Promise<string>((heard) =>
        child.stdout.once("data", (chunk: Buffer) => {
          heard(chunk.toString("latin1", 12))
          child.stdin.end()
        })
      )
      child.once("exit", (code) => resolve(code === 0 ? words : `exit code ${code}`))
    })
  )

describe("the code cache of the agent", () => {
  it("is accepted by this V8", () => {
    // In a process without the options of this one, which are a part of what a cache is for.
    const program = "const [code, cache] = process.argv.slice(1).map((path) => require('fs').readFileSync(path))\n" +
      "const source = `(function(require,__dirname){${code.toString('latin1')}\\n})`\n" +
      "const { Script } = require('vm')\n" +
      "process.stdout.write(String(new Script(source, { cachedData: cache }).cachedDataRejected))"
    const files = [named(built, /^code-.*\.cjs$/), named(built, /^code-.*\.cache$/)]
    assert.strictEqual(execFileSync(process.execPath, ["-e", program, ...files], { encoding: "utf8" }), "false")
  })

  for (
    const [what, change] of [
      ["is not there", (cache: string) => Fs.rmSync(cache)],
      ["is of another V8", (cache: string) => {
        const bytes = Fs.readFileSync(cache)
        bytes.writeUInt32LE(bytes.readUInt32LE(4) ^ 1, 4)
        Fs.writeFileSync(cache, bytes)
      }],
      ["is cut off", (cache: string) => Fs.truncateSync(cache, 1000)],
      ["is empty", (cache: string) => Fs.truncateSync(cache)]
    ] as const
  ) {
    it.scoped(`does no harm where it ${what}`, () =>
      Effect.gen(function*() {
        const folder = yield* copy
        change(named(folder, /^code-.*\.cache$/))
        assert.match(yield* firstWords(folder), /^\{"ready":true\b/)
      }))
  }
})
