/** Programs of the tests that must be processes of their own. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import * as Os from "node:os"
import { fileURLToPath } from "node:url"
import { testProgram } from "../../../../../scripts/testProgram.mjs"

export interface ChildOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Record<string, string>
  readonly stdio?: StdioOptions
  /** The user and group to run as; only root may say. */
  readonly uid?: number
  /** A command that runs the one that follows it. */
  readonly under?: ReadonlyArray<string>
}

export const spawnFixture = async (name: string, options: ChildOptions = {}): Promise<ChildProcess> => {
  const program = await testProgram(fileURLToPath(new URL(name, import.meta.url)))
  const [command = "", ...args] = [
    ...(options.under ?? []),
    process.execPath,
    program,
    ...(options.args ?? [])
  ]
  return spawn(command, args, {
    cwd: "/",
    stdio: options.stdio ?? ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", TMPDIR: Os.tmpdir(), ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid })
  })
}

/** Everything that the child prints, once it has ended. */
export const outputOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let [output, complaint] = ["", ""]
    child.stdout?.on("data", (chunk) => output += chunk)
    child.stderr?.on("data", (chunk) => complaint += chunk)
    child.on("error", reject)
    child.on("close", (code) => code === 0 ? resolve(output) : reject(new Error(`exit code ${code}: ${complaint}`)))
  })
