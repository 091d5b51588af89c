/** The process of a sandbox, from its start to the moment when nothing of it is left. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { releasePipes } from "../../node/processRef.js"
import type { SandboxStartError } from "../channel/protocol.js"
import { holdSpawner, spawnByProxy } from "./forkServerClient.js"
import { destroyPipes, killGroup, killNamespace, lastWords } from "./kill.js"
import type { Launch } from "./launch.js"
import type { Spawned } from "./spawnedProcess.js"

export interface SandboxProcess {
  readonly child: Spawned
  readonly kill: () => void
  /** Why it ended, once it has and everything that it wrote has arrived. */
  readonly exited: Promise<string>
  readonly words: () => string
}

/** How long somebody else may keep the pipes of a process that has ended. */
const lingering = 250
/** How long a process may take to die before its whole group is killed. */
const dying = 5000

const closed = (pipe: Socket): Promise<void> =>
  new Promise((resolve) => pipe.closed ? resolve() : void pipe.once("close", () => resolve()))

const exitOf = async ({ ended, stderr, stdout }: Spawned): Promise<string> => {
  const output = Promise.all([stdout, stderr].map(closed))
  const reason = await ended
  await Promise.race([output, delay(lingering, undefined, { ref: false })])
  return reason
}

const within = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const done = () => {
      clearTimeout(timer)
      resume(Effect.void)
    }
    const timer = setTimeout(done, milliseconds)
    void promise.then(done)
  })

/** How a process is brought to its end. */
export type Ending =
  /** With its namespace: nothing undoes that, and the kernel is done within milliseconds, which nobody needs to wait for. */
  | "killed"
  /** Its input ends, and it has a moment to end its children, which nobody else knows; then what it used is removed. */
  | "asked"

const started = (child: Spawned, ending: Ending): SandboxProcess => {
  const kill = ending === "killed" ? killNamespace : killGroup
  return { child, kill: () => kill(child), exited: exitOf(child), words: lastWords(child) }
}

/** Kills it; one that will not die, which is unheard of, takes its group along later. */
const kill = (process: SandboxProcess): Effect.Effect<void> =>
  Effect.sync(() => {
    process.kill()
    const overdue = setTimeout(() => killGroup(process.child), dying).unref()
    void process.exited.then(() => clearTimeout(overdue))
  })

const politeness = 300

const endings: Readonly<Record<Ending, (process: SandboxProcess) => Effect.Effect<void>>> = {
  killed: (process) => Effect.zipRight(kill(process), within(process.exited, 1)),
  asked: (process) =>
    Effect.sync(() => process.child.stdin.destroy()).pipe(
      Effect.zipRight(within(process.exited, politeness)),
      Effect.zipRight(kill(process)),
      Effect.zipRight(within(process.exited, dying))
    )
}

const end = (process: SandboxProcess, ending: Ending): Effect.Effect<void> =>
  Effect.zipRight(endings[ending](process), Effect.sync(() => destroyPipes(process.child)))

/** Starts it; the end of the scope ends it with all that belongs to it. */
export const startProcess = (
  launch: Launch,
  ending: Ending
): Effect.Effect<SandboxProcess, SandboxStartError, Scope.Scope> =>
  holdSpawner.pipe(
    Effect.zipRight(Effect.acquireRelease(
      Effect.map(spawnByProxy(launch), (child) => started(child, ending)),
      (process) => end(process, ending)
    )),
    Effect.tap(({ child: { stderr, stdin, stdout } }) => releasePipes([stdin, stdout, stderr]))
  )
