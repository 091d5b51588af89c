/** `agb-local` as a process of its own, with a temporary directory of its own; killed with the scope. */
import { Effect } from "effect"
import type { ChildProcess } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { spawnFixture } from "./processes/children.js"
import { best } from "./runtime.js"
import { type Wire, wireTo } from "./wire.js"

export const apiKey = "akm-5ec2e7-0f-the-process"

export interface Program extends Wire {
  readonly child: ChildProcess
  /** Everything on its standard error so far. */
  readonly log: () => string
  readonly folder: string
  readonly exited: Promise<number | null>
}

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-local-test-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

/** `inherited` is the temporary directory of one that has ended. */
export const run = (args: ReadonlyArray<string>, inherited?: string) =>
  Effect.gen(function*() {
    const folder = inherited ?? (yield* temporary)
    const child = yield* Effect.acquireRelease(
      Effect.promise(() =>
        spawnFixture("../../../src/bin.ts", {
          args: ["--isolation", best.level === "none" ? "none" : "auto", ...args],
          env: { AGB_API_KEY: apiKey, TMPDIR: folder }
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let [said, logged] = ["", ""]
    child.stderr?.on("data", (chunk: Buffer) => logged += chunk.toString())
    const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)))
    const endpoint = yield* Effect.async<string>((resume) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString()
        const found = /AGB_ENDPOINT=(\S+)\n/.exec(said)?.[1]
        if (found !== undefined) resume(Effect.succeed(found))
      })
      child.once("exit", () => resume(Effect.dieMessage(`it did not start: ${logged}`)))
    })
    return { ...wireTo(endpoint, apiKey), child, folder, exited, log: () => logged } satisfies Program
  })
