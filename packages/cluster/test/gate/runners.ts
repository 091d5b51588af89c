/** The runners of the gate: each is a process that is started anew when it has ended. */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import { freePort } from "../../../../scripts/freePort.mjs"

interface Options {
  readonly name: string
  readonly program: string
  readonly args: (port: number) => ReadonlyArray<string>
  readonly env: Record<string, string>
  readonly log: string
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

const patience = 60_000

export class Runner {
  readonly name: string
  readonly #options: Options
  #child: ChildProcess | undefined
  #port = 0
  #starts = 0
  #isWanted = true
  #resumption: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.name = options.name
    this.#options = options
  }

  get starts(): number {
    return this.#starts
  }

  get isStopped(): boolean {
    return this.#resumption !== undefined
  }

  /** At another address every second time, as a process on another machine would be. */
  async start(): Promise<void> {
    if (this.#starts++ % 2 === 0) this.#port = await freePort()
    if (!this.#isWanted) return
    const { args, env, log, program } = this.#options
    const output = Fs.openSync(log, "a")
    const child = spawn(process.execPath, [program, ...args(this.#port)], {
      cwd: "/",
      stdio: ["ignore", output, output],
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", TMPDIR: Os.tmpdir(), ...env }
    })
    Fs.closeSync(output)
    this.#child = child
    child.once("exit", () => {
      this.#resume()
      if (this.#isWanted) void this.start()
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  stopFor(milliseconds: number): void {
    this.signal("SIGSTOP")
    this.#resumption = setTimeout(() => this.#resume(), milliseconds)
  }

  #resume(): void {
    clearTimeout(this.#resumption)
    this.#resumption = undefined
    this.signal("SIGCONT")
  }

  async end(): Promise<void> {
    this.#isWanted = false
    const child = this.#child
    if (child === undefined || hasEnded(child)) return
    const ended = once(child, "exit")
    this.#resume()
    this.signal("SIGTERM")
    const timer = setTimeout(() => this.signal("SIGKILL"), patience)
    await ended
    clearTimeout(timer)
  }
}

/** Starts a runner, which ends with the scope. */
export const make = (options: Options): Effect.Effect<Runner, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const runner = new Runner(options)
      await runner.start()
      return runner
    }),
    (runner) => Effect.promise(() => runner.end())
  )
