/** The process of a sandbox, from its start to the moment when nothing of it is left. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ChildProcess } from "node:child_process"
import type { Launch } from "./sandboxLaunch.js"
import { SandboxStartError } from "./sandboxProtocol.js"
import { destroyPipes, killGroup, lastWords, spawnLaunch } from "./sandboxSpawn.js"

export interface SandboxProcess {
  readonly child: ChildProcess
  readonly kill: () => void
  /** Why it ended, once it has and everything that it wrote has arrived. */
  readonly exited: Promise<string>
  /** The same without waiting for what it wrote. */
  readonly dead: Promise<unknown>
  readonly words: () => string
}

/** How long somebody else may keep the pipes of a process that has ended. */
const lingering = 250
/** How long the kernel may take to end what was killed. */
const dying = 5000

const ended = (code: number | null, signal: string | null) =>
  signal === null ? `its process ended with exit code ${code}` : `its process was ended by ${signal}`

const exitOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.on("error", (error) => resolve(`its process could not be started: ${error.message}`))
    child.on("close", (code, signal) => resolve(ended(code, signal)))
    child.on("exit", (code, signal) => {
      setTimeout(() => resolve(ended(code, signal)), lingering).unref()
    })
  })

const within = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const done = () => {
      clearTimeout(timer)
      resume(Effect.void)
    }
    const timer = setTimeout(done, milliseconds)
    void promise.then(done)
  })

const start = (launch: Launch): SandboxProcess => {
  const child = spawnLaunch(launch)
  const dead = new Promise((resolve) => {
    child.on("exit", resolve)
    child.on("error", resolve)
  })
  return { child, kill: () => killGroup(child), exited: exitOf(child), dead, words: lastWords(child) }
}

/** How a process is brought to its end. */
export type Ending =
  /** Its death is the death of its namespace: the kernel has killed the rest by the time it tells us. */
  | "killed"
  /** Its input ends, and it has a moment to end its children, which nobody else knows. */
  | "asked"

const politeness = 300

const end = (process: SandboxProcess, ending: Ending): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (ending === "asked") {
      process.child.stdin?.destroy()
      yield* within(process.exited, politeness)
    }
    process.kill()
    yield* within(ending === "asked" ? process.exited : process.dead, dying)
    destroyPipes(process.child)
  })

/** Starts it; the end of the scope ends its whole group and waits, five seconds at most, until it is dead. */
export const startProcess = (
  launch: Launch,
  ending: Ending
): Effect.Effect<SandboxProcess, SandboxStartError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => start(launch),
      catch: (error) => new SandboxStartError({ reason: String(error) })
    }),
    (process) => end(process, ending)
  )
