/** Starting what a {@link Launch} describes by this process itself, and ending any without a trace. */
import type { ChildProcess } from "node:child_process"
import type { Readable } from "node:stream"
import type { Launch } from "./launch.js"
import { childrenOf } from "./processTree.js"
import { pipesOf, startLaunch, withCovered } from "./spawn.cjs"

/**
 * Starts it as a child of this process, which stands still meanwhile: for what is started once. May throw where the
 * machine is out of descriptors.
 */
export const spawnLaunch = (launch: Launch): ChildProcess =>
  withCovered(pipesOf(launch), (stdio) => startLaunch(launch, stdio))

/** A process that leads a group. */
export interface Leader {
  readonly pid: number | undefined
  /** From then on its number may be another's. */
  readonly isOver: () => boolean
}

export const leaderOf = (child: ChildProcess): Leader => ({
  pid: child.pid,
  isOver: () => child.exitCode !== null || child.signalCode !== null
})

const killEither = (...pids: ReadonlyArray<number>): void => {
  for (const pid of pids) {
    try {
      return void process.kill(pid, "SIGKILL")
    } catch {
      // There is none such, or it is gone.
    }
  }
}

/** SIGKILL to the whole group of a process that has not ended. */
export const killGroup = ({ isOver, pid }: Leader): void => {
  if (pid !== undefined && !isOver()) killEither(-pid, pid)
}

/**
 * SIGKILL to the first process of the namespace, with which the kernel ends all others. The tool outside lives on to reap
 * it and ends by itself: where process 1 reaps nobody, as in many a container, an orphan would stay a zombie for ever.
 */
export const killNamespace = (leader: Leader): void => {
  if (leader.pid === undefined || leader.isOver()) return
  const first = childrenOf(leader.pid)
  if (first.length === 0) return killGroup(leader)
  for (const pid of first) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      killGroup(leader)
    }
  }
}

interface Pipes {
  readonly stdin: { readonly destroy: () => unknown } | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
}

/** Nothing of the process stays behind in this one, whoever else still holds its pipes. */
export const destroyPipes = ({ stderr, stdin, stdout }: Pipes): void => {
  for (const pipe of [stdin, stdout, stderr]) pipe?.destroy()
}

/** The last few kilobytes that the process wrote to its standard error, made harmless to print. */
export const lastWords = ({ stderr }: Pipes): () => string => {
  const bound = 4096
  let text = ""
  stderr?.setEncoding("utf8")
  stderr?.on("data", (chunk: string) => {
    text = (text + chunk).slice(-bound)
  })
  stderr?.on("error", () => {})

  return () => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "").trim()
}
