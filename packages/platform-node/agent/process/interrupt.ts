/** Interrupts a run but not the background processes that earlier runs left in the process group of the kernel. */
import { openSync, readdirSync, readFileSync, readSync } from "node:fs"

const line = Buffer.alloc(128)

let loadFile: number | undefined

/** The most recently assigned process id; later processes have higher ones. Zero if it cannot be read. */
export const lastPid = () => {
  try {
    loadFile ??= openSync("/proc/loadavg", "r")
    const size = readSync(loadFile, line, 0, line.length, 0)
    return Number(line.toString("latin1", 0, size).trim().split(" ").at(-1))
  } catch {
    return 0
  }
}

/** Sends SIGINT to a kernel and to the members of its process group with ids above `since`. */
export const interruptSince = (kernel: number | undefined, since: number) => {
  if (kernel === undefined) return
  if (since === 0) return interrupt(-kernel)
  for (const name of readdirSync("/proc")) {
    if (Number(name) > since && processGroupOf(name) === kernel) interrupt(Number(name))
  }
  interrupt(kernel)
}

const processGroupOf = (pid: string) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The program name before it is in parentheses and may contain any character.
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
