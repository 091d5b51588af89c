/** Starting a {@link Launch} from this process itself, and killing processes without leaving anything behind. */
import type { ChildProcess } from "node:child_process"
import type { Readable } from "node:stream"
import type { Launch } from "./launch.js"
import { childrenOf } from "./processTree.js"
import { pipesOf, spawnLaunch, withInheritedFdsMasked } from "./spawn.cjs"

/**
 * Starts a child of this process, which blocks during the fork: for one-off starts. May throw where the machine is out of
 * file descriptors.
 */
export const spawnDirectly = (launch: Launch): ChildProcess =>
  withInheritedFdsMasked(pipesOf(launch), (stdio) => spawnLaunch(launch, stdio))

/** A process that leads a process group. */
export interface GroupLeader {
  readonly pid: number | undefined
  /** Once true, the pid may belong to another process. */
  readonly hasExited: () => boolean
}

export const leaderOf = (child: ChildProcess): GroupLeader => ({
  pid: child.pid,
  hasExited: () => child.exitCode !== null || child.signalCode !== null
})

/** Kills the first of these that exists. */
const killFirst = (...pids: ReadonlyArray<number>): void => {
  for (const pid of pids) {
    try {
      return void process.kill(pid, "SIGKILL")
    } catch {
      // No such process, or no longer.
    }
  }
}

/** SIGKILL to the whole process group, unless its leader has exited. */
export const killGroup = ({ hasExited, pid }: GroupLeader): void => {
  if (pid !== undefined && !hasExited()) killFirst(-pid, pid)
}

/**
 * SIGKILL to the init process of the PID namespace, with which the kernel kills all others in it. The tool outside is
 * left to reap it and exits by itself: where process 1 reaps nothing, as in many containers, an orphan would stay a zombie
 * forever.
 */
export const killNamespace = (leader: GroupLeader): void => {
  if (leader.pid === undefined || leader.hasExited()) return
  const children = childrenOf(leader.pid)
  if (children.length === 0) return killGroup(leader)
  for (const pid of children) {
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

/** Closes this process's ends of the pipes, whoever else still holds the other ends. */
export const destroyPipes = ({ stderr, stdin, stdout }: Pipes): void => {
  for (const pipe of [stdin, stdout, stderr]) pipe?.destroy()
}

const maxStderrLength = 4096

/** Collects the last few kilobytes of standard error; the result reads them, without control characters. */
export const collectStderr = ({ stderr }: Pipes): () => string => {
  let text = ""
  stderr?.setEncoding("utf8")
  stderr?.on("data", (chunk: string) => {
    text = (text + chunk).slice(-maxStderrLength)
  })
  stderr?.on("error", () => {})

  return () => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "").trim()
}
