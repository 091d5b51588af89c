/** `agb` as a process, alone or beside one `agb local` that all tests of a file share. */
import { assert } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../scripts/testProgram.mjs"

export const apiKey = "akm-5ec2e7-0f-the-command-line"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Waits until its standard output matches; fails if it ends before. */
  readonly says: (pattern: RegExp) => Promise<void>
}

export const program = await testProgram(fileURLToPath(new URL("../../src/bin.ts", import.meta.url)))

export const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-cli-test-"))

const base = { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: Os.tmpdir() }

/** In the folder of the tests. */
export const start = (args: ReadonlyArray<string>, env: Record<string, string> = {}): Running => {
  // The files of one fork share this module, and the one before has removed it.
  Fs.mkdirSync(folder, { recursive: true })
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...base, ...env } })
  let [stdout, stderr] = ["", ""]
  let onOutput = () => {}
  child.stdout.on("data", (chunk) => {
    stdout += chunk
    onOutput()
  })
  child.stderr.on("data", (chunk) => stderr += chunk)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, stdout, stderr }))
  })
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      onOutput = () => pattern.test(stdout) && resolve()
      onOutput()
      ended.then(({ code }) => assert.fail(`it ended with ${code}: ${stdout}${stderr}`)).catch(reject)
    })
  return { child, ended, says }
}

export const agb = (args: ReadonlyArray<string>, env: Record<string, string> = {}, input = ""): Promise<Ended> => {
  const { child, ended } = start(args, env)
  child.stdin?.on("error", () => {})
  child.stdin?.end(input)
  return ended
}

export interface Server {
  /** What its clients have in their environment. */
  readonly env: Record<string, string>
  readonly stop: () => Promise<number | null>
}

export const serve = async (): Promise<Server> => {
  const args = ["local", "--isolation", "none", "--pool-size", "0", "--log", "none"]
  const { child, ended, says } = start(args, { AGB_API_KEY: apiKey })
  let said = ""
  child.stdout?.on("data", (chunk) => said += chunk)
  await says(/^# languages/m)
  const endpoint = /^AGB_ENDPOINT=(.*)$/m.exec(said)?.[1] ?? ""
  return {
    env: { AGB_ENDPOINT: endpoint, AGB_API_KEY: apiKey },
    stop: async () => {
      child.kill("SIGTERM")
      const { code } = await ended
      Fs.rmSync(folder, { recursive: true, force: true })
      return code
    }
  }
}

/** The values of lines of JSON. */
export const lines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))

const patience = 120_000

/** Asks again until the answer is good; fails with the last one. */
export const until = async <A>(ask: () => Promise<A>, isGood: (answer: A) => boolean): Promise<A> => {
  const begun = Date.now()
  for (;;) {
    const answer = await ask()
    if (isGood(answer)) return answer
    if (Date.now() - begun > patience) assert.fail(`still ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
