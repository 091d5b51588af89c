/** The process of a sandbox, from its start until nothing of it is left. */
import * as Effect from "effect/Effect"
import * as GlobalValue from "effect/GlobalValue"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { unrefPipes } from "../../node/processRef.js"
import { ownPass } from "../channel/eventLoopTurns.js"
import type { SandboxStartError } from "../channel/protocol.js"
import { holdForkServer, spawnProcess } from "./forkServerClient.js"
import { collectStderr, destroyPipes, killGroup, killNamespace } from "./kill.js"
import type { Launch } from "./launch.js"
import type { SpawnedProcess } from "./spawnedProcess.js"

export interface SandboxProcess {
  readonly child: SpawnedProcess
  readonly kill: () => void
  readonly isKilled: () => boolean
  /** Resolves with the reason of its end, after all its output has arrived. */
  readonly exited: Promise<string>
  /** The end of its standard error so far. */
  readonly stderr: () => string
}

/** How long descendants may keep the pipes of an exited process open, in milliseconds. */
const pipeLingerMs = 250
/** How long a killed process may take to exit before its whole group is killed. */
const killTimeoutMs = 5000

const closed = (pipe: Socket): Promise<void> =>
  new Promise((resolve) => pipe.closed ? resolve() : void pipe.once("close", () => resolve()))

const exitOf = async ({ exited, stderr, stdout }: SpawnedProcess): Promise<string> => {
  const output = Promise.all([stdout, stderr].map(closed))
  const reason = await exited
  await Promise.race([output, delay(pipeLingerMs, undefined, { ref: false })])
  return reason
}

const waitAtMost = (promise: Promise<unknown>, milliseconds: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const done = () => {
      clearTimeout(timer)
      resume(Effect.void)
    }
    const timer = setTimeout(done, milliseconds)
    void promise.then(done)
  })

/** How a process is terminated. */
export type Termination =
  /** Kills its PID namespace: the kernel ends everything in it within milliseconds, which need not be waited for. */
  | "killNamespace"
  /** Closes stdin, gives the agent a grace period to kill its descendants, then kills its process group. */
  | "graceful"

const watched = (child: SpawnedProcess, termination: Termination): SandboxProcess => {
  const killAll = termination === "killNamespace" ? killNamespace : killGroup
  let isKilled = false
  const kill = () => {
    isKilled = true
    killAll(child)
  }
  return { child, kill, isKilled: () => isKilled, exited: exitOf(child), stderr: collectStderr(child) }
}

/** Kills it, and its whole group should it survive that. The kernel's part takes milliseconds where many end at once. */
const kill = (process: SandboxProcess): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (!process.isKilled()) {
      await ownPass()
      process.kill()
    }
    const timer = setTimeout(() => killGroup(process.child), killTimeoutMs).unref()
    void process.exited.then(() => clearTimeout(timer))
  })

const gracePeriodMs = 300

/**
 * More agents at once that look through all processes for their descendants would keep this machine busy for minutes, and
 * so long it would take until the kernel has ended them all. On Linux their descendants are found without them.
 */
const maxGraceful = 8

const graceful = GlobalValue.globalValue("@effect-agb/platform-node/gracefulTerminations", () => ({ count: 0 }))

const withGrace = (process: SandboxProcess): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (process.isKilled()) return Effect.void
    process.child.stdin.destroy()
    return waitAtMost(process.exited, gracePeriodMs)
  })

const killSoon = (process: SandboxProcess): Effect.Effect<void> =>
  Effect.zipRight(kill(process), waitAtMost(process.exited, 1))

const terminateGracefully = (sandbox: SandboxProcess): Effect.Effect<void> =>
  Effect.suspend(() =>
    graceful.count > maxGraceful && process.platform === "linux"
      ? killSoon(sandbox)
      : withGrace(sandbox).pipe(
        Effect.zipRight(kill(sandbox)),
        Effect.zipRight(waitAtMost(sandbox.exited, killTimeoutMs))
      )
  )

const terminations: Readonly<Record<Termination, (process: SandboxProcess) => Effect.Effect<void>>> = {
  killNamespace: killSoon,
  graceful: (process) =>
    Effect.acquireUseRelease(
      Effect.sync(() => graceful.count++),
      () => Effect.zipRight(Effect.yieldNow(), terminateGracefully(process)),
      () => Effect.sync(() => graceful.count--)
    )
}

const terminate = (process: SandboxProcess, termination: Termination): Effect.Effect<void> =>
  Effect.zipRight(terminations[termination](process), Effect.sync(() => destroyPipes(process.child)))

/** Starts a process that is terminated with the scope. */
export const startProcess = (
  launch: Launch,
  termination: Termination
): Effect.Effect<SandboxProcess, SandboxStartError, Scope.Scope> =>
  holdForkServer.pipe(
    Effect.zipRight(Effect.acquireRelease(
      Effect.map(spawnProcess(launch), (child) => watched(child, termination)),
      (process) => terminate(process, termination)
    )),
    Effect.tap(({ child: { stderr, stdin, stdout } }) => unrefPipes([stdin, stdout, stderr]))
  )
