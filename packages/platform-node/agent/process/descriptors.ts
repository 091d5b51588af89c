/** Closes inherited file descriptors: an open directory of the host would be a way out of the sandbox. */
import { closeSync, readdirSync, readlinkSync } from "node:fs"

const lastStandard = 2

/** What Node itself opens: epoll and event descriptors, both ends of its pipes, and the null device. */
const nodeTargets = /^(?:anon_inode:|\/dev\/null$|\/dev\/urandom$|pipe:)/

/** Every open descriptor above the standard three, with its target. */
const openDescriptors = (): ReadonlyArray<readonly [number, string]> =>
  readdirSync("/proc/self/fd").flatMap((name) => {
    if (Number(name) <= lastStandard) return []
    try {
      return [[Number(name), readlinkSync(`/proc/self/fd/${name}`)] as const]
    } catch {
      return []
    }
  })

/**
 * Closes the descriptors inherited from the parent process. The close-on-exec flag does not identify them, because Node
 * sets it on everything it inherits; their targets do.
 */
export const closeInherited = () => {
  const found = openDescriptors()
  for (const [fd, target] of found) {
    const isOnlyEnd = found.filter(([, other]) => other === target).length === 1
    if (nodeTargets.test(target) && !(isOnlyEnd && target.startsWith("pipe:"))) continue
    try {
      closeSync(fd)
    } catch { /* closed since the listing */ }
  }
}
