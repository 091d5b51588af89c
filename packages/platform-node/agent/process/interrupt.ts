/** Interrupts a run but not the background processes that earlier runs left in the process group of the kernel. */
import { membersSince, type Moment } from "./processTable.js"

/** Sends SIGINT to a kernel, once, and to the members of its process group that started since. */
export const interruptSince = (kernel: number | undefined, since: Moment) => {
  if (kernel === undefined) return
  if (since.pid === 0) return interrupt(-kernel)
  for (const pid of membersSince(since, kernel)) interrupt(pid)
  interrupt(kernel)
}

const interrupt = (pid: number) => {
  try {
    process.kill(pid, "SIGINT")
  } catch { /* it has ended meanwhile */ }
}
