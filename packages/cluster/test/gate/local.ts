/** The one `agb-local` of all runners, without isolation, so that commands reach the ledger. */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const apiKey = "akm-gate"

const args = ["--isolation", "none", "--pool-size", "2", "--log", "json"]

export const start = (program: string, folder: string): Effect.Effect<Record<string, string>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const log = Fs.openSync(Path.join(folder, "agb-local.log"), "a")
      const child = spawn(process.execPath, [program, ...args], {
        cwd: folder,
        env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: Os.tmpdir(), AGB_API_KEY: apiKey },
        stdio: ["ignore", "pipe", log]
      })
      Fs.closeSync(log)
      let said = ""
      const endpoint = () => /^AGB_ENDPOINT=(.*)\n/m.exec(said)?.[1]
      const ended = once(child, "exit").then(([code]) =>
        Promise.reject(new Error(`agb-local ended with ${code}: ${said}`))
      )
      ended.catch(() => {})
      const { stdout } = child
      if (stdout === null) throw new Error("agb-local has no output")
      stdout.on("data", (chunk) => said += chunk)
      while (endpoint() === undefined) await Promise.race([once(stdout, "data"), ended])
      return { child, ended, env: { AGB_ENDPOINT: endpoint() ?? "", AGB_API_KEY: apiKey } }
    }),
    ({ child, ended }) =>
      Effect.promise(async () => {
        child.kill("SIGTERM")
        await ended.catch(() => {})
      })
  ).pipe(Effect.map(({ env }) => env))
