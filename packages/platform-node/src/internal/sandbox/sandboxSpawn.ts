/** Starting what a {@link Launch} describes, and ending it without a trace. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import type { Writable } from "node:stream"
import { childrenOf } from "./processTree.js"
import type { Launch } from "./sandboxLaunch.js"

const closeOnExec = 0o2000000

/** Whether a program started now would inherit the descriptor: Node opens its own in a way that prevents it. */
const isInherited = (fd: number): boolean => {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(Fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]
    return flags !== undefined && (parseInt(flags, 8) & closeOnExec) === 0
  } catch {
    return false
  }
}

const inherited = (): ReadonlyArray<number> =>
  Fs.readdirSync("/proc/self/fd").map(Number).filter((fd) => fd > 2 && isInherited(fd))

type Stdio = Array<"pipe" | "ignore" | number>

const stdioFor = (launch: Launch, covered: ReadonlyArray<number>, cover: number): Stdio => {
  const stdio: Stdio = ["pipe", "pipe", "pipe", ...launch.descriptors.map(() => "pipe" as const)]
  for (const fd of covered) {
    while (stdio.length <= fd) stdio.push("ignore")
    if (stdio[fd] === "ignore") stdio[fd] = cover
  }
  return stdio
}

const start = (launch: Launch, stdio: Stdio): ChildProcess =>
  spawn(launch.command, [...launch.args], {
    cwd: launch.cwd,
    env: launch.environment,
    detached: true,
    stdio,
    windowsHide: true,
    ...(launch.uid === undefined ? {} : { uid: launch.uid, gid: launch.uid })
  })

const politeness = 5

/** What a sandbox runs inherits this, so that it comes after its host where the processors are busy. */
const giveWay = ({ pid }: ChildProcess): void => {
  try {
    if (pid !== undefined) Os.setPriority(pid, Math.max(politeness, Os.getPriority()))
  } catch {
    // It has ended already.
  }
}

/**
 * Starts it in a process group of its own, with pipes and an environment made from nothing. May throw where the machine
 * is out of descriptors.
 */
export const spawnLaunch = (launch: Launch): ChildProcess => {
  const covered = launch.coverInherited ? inherited() : []
  const cover = covered.length === 0 ? -1 : Fs.openSync("/dev/null", "r")
  try {
    const child = start(launch, stdioFor(launch, covered, cover))
    child.on("error", () => {})
    giveWay(child)
    launch.descriptors.forEach((content, index) => {
      const pipe = child.stdio[3 + index] as Writable | null
      pipe?.on("error", () => {})
      pipe?.end(content)
    })
    return child
  } finally {
    if (cover !== -1) Fs.closeSync(cover)
  }
}

const isOver = (child: ChildProcess) => child.pid === undefined || child.exitCode !== null || child.signalCode !== null

/** SIGKILL to the whole group of a process that has not ended: after that its number may be another's. */
export const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined || isOver(child)) return
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    child.kill("SIGKILL")
  }
}

/**
 * SIGKILL to the first process of the namespace, with which the kernel ends all others. The tool outside lives on to reap
 * it and ends by itself: where process 1 reaps nobody, as in many a container, an orphan would stay a zombie for ever.
 */
export const killNamespace = (child: ChildProcess): void => {
  if (child.pid === undefined || isOver(child)) return
  const first = childrenOf(child.pid)
  if (first.length === 0) return killGroup(child)
  for (const pid of first) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      killGroup(child)
    }
  }
}

/** Nothing of the child stays behind in this process, whoever else still holds its pipes. */
export const destroyPipes = (child: ChildProcess): void => {
  for (const pipe of child.stdio) pipe?.destroy()
}

/** The last few kilobytes that the child wrote to its standard error, made harmless to print. */
export const lastWords = (child: ChildProcess): () => string => {
  const bound = 4096
  let text = ""
  child.stderr?.setEncoding("utf8")
  child.stderr?.on("data", (chunk: string) => {
    text = (text + chunk).slice(-bound)
  })
  child.stderr?.on("error", () => {})

  return () => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "").trim()
}
