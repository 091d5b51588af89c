/**
 * Finds processes that fork and exit faster than all processes can be read. Linux gives ids in ascending order, and a child
 * has its id before its parent can exit. So whoever was missed because it had exited has a child among the ids given since,
 * and once none has been given since, nothing was missed.
 */

/**
 * Visits the ids given after `from`, and those given meanwhile. Returns whether it has seen all: not if they began anew at
 * the lowest, or if `lasts` ended first. `lastPid` is the id given last.
 */
export const visitForked = (
  from: number,
  lastPid: () => number,
  visit: (pid: number) => void,
  lasts: () => boolean
): boolean => {
  let seen = from
  for (let last = lastPid(); last !== seen; last = lastPid()) {
    if (last < seen) return false
    while (seen < last) {
      if (!lasts()) return false
      visit(++seen)
    }
  }
  return true
}

/** The id given last, from the text of `/proc/loadavg`; zero where it does not tell. */
export const lastPidIn = (text: string): number => Number(text.trim().split(" ")[4] ?? 0)
