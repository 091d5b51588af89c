// `agb-local` as other clients meet it: a process of its own that says where it listens.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface Stopped {
  readonly millis: number
  /** Null if a signal has killed it. */
  readonly code: number | null
}

export interface AgbLocal {
  readonly endpoint: string
  readonly apiKey: string
  readonly pid: number
  /** What it said about its isolation. */
  readonly isolation: string
  readonly languages: ReadonlyArray<string>
  /** What it has logged that is no plain information. */
  readonly complaints: () => ReadonlyArray<string>
  /** SIGTERM; answers after how many milliseconds the process had ended, and with which code. */
  readonly stop: () => Promise<Stopped>
}

const program = fileURLToPath(
  new URL("dist/agb-local.cjs", import.meta.resolve("@effect-agb/platform-node/package.json"))
)
const apiKey = "akm-bench"

const greeting = async (child: ChildProcess): Promise<Map<string, string>> => {
  const said = new Map<string, string>()
  if (child.stdout === null) throw new Error("agb-local has no output")
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, value] = /^(?:# )?(\w+)[=:]\s*(.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) said.set(name, value)
    if (said.has("AGB_ENDPOINT") && said.has("languages")) return said
  }
  throw new Error("agb-local ended before it listened")
}

const stopping = (child: ChildProcess) => async (): Promise<Stopped> => {
  const start = performance.now()
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit")
    child.kill("SIGTERM")
    await ended
  }
  return { millis: performance.now() - start, code: child.exitCode }
}

export interface AgbLocalOptions {
  /** Default: the best of this machine, else none. */
  readonly isolation?: string | undefined
  readonly args?: ReadonlyArray<string>
  /** For Node, a profile say. */
  readonly nodeArgs?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

const folder = mkdtempSync(join(tmpdir(), "agb-bench-log-"))
process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
let started = 0

/** To a file, as a service would have it: whoever reads a pipe takes part in what is measured. */
const launch = (options: AgbLocalOptions, isolation: string) => {
  const log = join(folder, `${started += 1}.log`)
  const args = [...options.nodeArgs ?? [], program, "--isolation", isolation, ...options.args ?? []]
  const env = { ...process.env, ...options.env, AGB_API_KEY: apiKey }
  const descriptor = openSync(log, "w")
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", descriptor] })
  closeSync(descriptor)
  process.once("exit", () => child.kill())
  const complaints = () =>
    readFileSync(log, "utf8").split("\n").filter((line) => line !== "" && !/"logLevel":"(INFO|DEBUG|TRACE)"/.test(line))
  return { child, complaints }
}

const start = async (options: AgbLocalOptions, isolation: string): Promise<AgbLocal> => {
  const { child, complaints } = launch(options, isolation)
  try {
    const said = await greeting(child)
    child.stdout?.resume()
    const [found = ""] = (said.get("languages") ?? "").toLowerCase().split(";")
    return {
      endpoint: said.get("AGB_ENDPOINT") ?? "",
      apiKey,
      pid: child.pid ?? 0,
      isolation: said.get("isolation") ?? "unknown",
      languages: found.split(", ").map((language) => language.split(" ")[0] ?? ""),
      complaints,
      stop: stopping(child)
    }
  } catch (error) {
    console.error(`agb-local --isolation ${isolation} does not start:\n${complaints().slice(0, 10).join("\n")}`)
    throw error
  }
}

export const startAgbLocal = (options: AgbLocalOptions = {}): Promise<AgbLocal> =>
  options.isolation === undefined
    ? start(options, "auto").catch(() => start(options, "none"))
    : start(options, options.isolation)
