/** The runners of the gate, each started anew when it has ended. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createServer } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  return typeof address === "object" && address !== null ? address.port : 0
}

interface Options {
  readonly program: string
  /** Where the database is. */
  readonly folder: string
  readonly env: Record<string, string>
  readonly log: string
}

/** A place for a runner: one process after another. */
export class Runner {
  readonly #options: Options
  #child: ChildProcess | undefined
  #port = 0
  #isWanted = true
  isStopped = false
  starts = 0

  constructor(options: Options) {
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(isElsewhere = true): Promise<void> {
    if (isElsewhere || this.#port === 0) this.#port = await freePort()
    const { env, folder, log, program } = this.#options
    const output = Fs.openSync(log, "a")
    const child = spawn(process.execPath, [program, folder, String(this.#port)], {
      cwd: "/",
      stdio: ["ignore", output, output],
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", TMPDIR: Os.tmpdir(), ...env }
    })
    Fs.closeSync(output)
    this.#child = child
    this.isStopped = false
    this.starts++
    child.once("exit", () => {
      // As another pod at times, and as the same one at others.
      if (this.#isWanted && this.#child === child) void this.start(this.starts % 2 === 0)
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  pause(milliseconds: number): void {
    const child = this.#child
    if (child === undefined) return
    this.isStopped = true
    child.kill("SIGSTOP")
    setTimeout(() => {
      child.kill("SIGCONT")
      if (this.#child === child) this.isStopped = false
    }, milliseconds)
  }

  async end(): Promise<void> {
    this.#isWanted = false
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGCONT")
    child.kill("SIGTERM")
    const timer = setTimeout(() => child.kill("SIGKILL"), 40_000)
    await ended
    clearTimeout(timer)
  }
}

export const logIn = (folder: string, nth: number) => Path.join(folder, `runner-${nth}.log`)
