/** Interrupting a run without the background processes that earlier runs have left in the group of their kernel. */
import * as Fs from "node:fs"

const line = Buffer.alloc(128)

let loadFile: number | undefined

/** The number of the latest process: its successors have higher ones. Where there is none to be had, zero. */
export const latestProcess = () => {
  try {
    loadFile ??= Fs.openSync("/proc/loadavg", "r")
    const size = Fs.readSync(loadFile, line, 0, line.length, 0)
    return Number(line.toString("latin1", 0, size).trim().split(" ").at(-1))
  } catch {
    return 0
  }
}

/**
 * Sends SIGINT to a kernel and to those of its process group that have started since.
 *
 * @param latest the latest process when the run began
 */
export const interruptSince = (kernel: number | undefined, latest: number) => {
  if (kernel === undefined) return
  if (latest === 0) return interrupt(-kernel)
  for (const name of Fs.readdirSync("/proc")) {
    if (Number(name) > latest && groupOf(name) === kernel) interrupt(Number(name))
  }
  interrupt(kernel)
}

/** The name of a program stands in brackets and may hold anything. */
const groupOf = (pid: string) => {
  try {
    const text = Fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[2])
  } catch {
    return 0
  }
}

const interrupt = (pid: number) => {
  try {
    process.kill(pid, "SIGINT")
  } catch { /* it has ended meanwhile */ }
}
