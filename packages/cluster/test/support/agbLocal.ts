/** `agb-local` as a process of its own, without isolation, so that commands reach files outside of sessions. */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../scripts/testProgram.mjs"

/** The key of all of them. */
export const apiKey = "akm-test"

const program = fileURLToPath(new URL("../../../platform-node/src/bin.ts", import.meta.url))

export interface AgbLocal {
  readonly endpoint: string
  /** Kills it with signal 9. */
  readonly kill: Effect.Effect<void>
}

interface Options {
  /** Its working directory, and where it leaves its log. */
  readonly folder: string
  readonly args?: ReadonlyArray<string>
}

const spawned = async ({ args = [], folder }: Options) => {
  const log = Fs.openSync(Path.join(folder, "agb-local.log"), "a")
  const child = spawn(process.execPath, [await testProgram(program), "--isolation", "none", "--log", "json", ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: Os.tmpdir(), AGB_API_KEY: apiKey },
    stdio: ["ignore", "pipe", log]
  })
  Fs.closeSync(log)
  let said = ""
  const endpoint = () => /^AGB_ENDPOINT=(.*)\n/m.exec(said)?.[1]
  const ended = once(child, "exit")
  const tooEarly = ended.then(([code]) => Promise.reject(new Error(`agb-local ended with ${code}: ${said}`)))
  tooEarly.catch(() => {})
  const { stdout } = child
  if (stdout === null) throw new Error("agb-local has no output")
  stdout.on("data", (chunk) => said += chunk)
  while (endpoint() === undefined) await Promise.race([once(stdout, "data"), tooEarly])
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  return { end, endpoint: endpoint() ?? "" }
}

/** Starts one, which ends with the scope. */
export const start = (options: Options): Effect.Effect<AgbLocal, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.promise(() => spawned(options)), ({ end }) => Effect.promise(() => end("SIGTERM"))).pipe(
    Effect.map(({ end, endpoint }) => ({ endpoint, kill: Effect.promise(() => end("SIGKILL")) }))
  )
