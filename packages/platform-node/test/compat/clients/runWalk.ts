/** The local runtime and the clients' programs, each in a process of its own: all that they share is an address and a key. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../../scripts/testProgram.mjs"
import type { Walk } from "./checklist.js"

export interface Report {
  readonly row: string
  readonly outcome: "seen" | "skipped" | "failed"
  readonly why: string
}

export interface Walked {
  readonly reports: ReadonlyArray<Report>
  readonly code: number | null
  /** What it said besides. */
  readonly complaint: string
}

export interface Runtime {
  readonly environment: Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

const root = fileURLToPath(new URL("../../../../..", import.meta.url))

const python = "/usr/bin/python3"

const programOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** Interpreters of the system first: what the clients' libraries and the sessions' Python come with. */
const path = `/usr/bin:/bin:${dirname(process.execPath)}`

type Command = readonly [string, ...ReadonlyArray<string>]

const node = async (file: string): Promise<Command> => [process.execPath, await testProgram(programOf(file))]

const commands: Readonly<Record<Walk, () => Promise<Command>>> = {
  "python v0.2.2": async () => [python, "-B", programOf("python/walk_v0_2_2.py")],
  "python v0.12.0": async () => [python, "-B", programOf("python/walk_v0_12_0.py")],
  "typescript v0.12.0": () => node("typescript/walk.mts")
}

const libraries: Readonly<Record<Walk, ReadonlyArray<string>>> = {
  "python v0.2.2": ["requests"],
  "python v0.12.0": ["requests", "httpx", "websockets"],
  "typescript v0.12.0": []
}

const has = (library: string): boolean => {
  try {
    execFileSync(python, ["-c", `import ${library}`], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** What a walk needs and this machine does not have; all of them run Python in their sessions. */
export const missingFor = (walk: Walk): ReadonlyArray<string> =>
  has("sys") ? libraries[walk].filter((library) => !has(library)) : ["Python"]

const start = ([command, ...args]: Command, env: Record<string, string>) =>
  spawn(command, args, {
    cwd: root,
    env: { PATH: path, HOME: process.env.HOME ?? "/", ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) return resolve(child.exitCode)
    child.once("close", resolve)
  })

/** `agb-local` as anybody starts it. */
export const startRuntime = async (): Promise<Runtime> => {
  const AGB_API_KEY = `akm-${randomUUID()}`
  const child = start(await node("../../../src/bin.ts"), { AGB_API_KEY })
  child.stderr.resume()
  const AGB_ENDPOINT = await new Promise<string>((resolve, reject) => {
    let said = ""
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      const [, endpoint] = /^AGB_ENDPOINT=(.*)$/m.exec(said) ?? []
      if (endpoint !== undefined) resolve(endpoint)
    })
    child.once("close", (code) => reject(new Error(`agb-local ended with ${code}: ${said}`)))
  })
  return {
    environment: { AGB_API_KEY, AGB_ENDPOINT },
    stop: async () => {
      child.kill("SIGTERM")
      await ended(child)
    }
  }
}

const parse = (output: string): ReadonlyArray<Report> =>
  output.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Report)

export const runWalk = async (walk: Walk, { environment }: Runtime): Promise<Walked> => {
  const child = start(await commands[walk](), environment)
  let [output, complaint] = ["", ""]
  child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
  child.stderr.on("data", (chunk: Buffer) => complaint += chunk.toString())
  const code = await ended(child)
  return { reports: parse(output), code, complaint }
}
