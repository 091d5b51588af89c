/** What this process inherited and must not keep: an open directory of the host is a way out of the sandbox. */
import * as Fs from "node:fs"

const standard = 2

/** Node's own descriptors: poll and event handles, pipes of which it holds both ends, and the null device. */
const own = /^(?:anon_inode:|\/dev\/null$|\/dev\/urandom$|pipe:)/

/** Every open descriptor above the standard three, with what it points to. */
const open = (): ReadonlyArray<readonly [number, string]> =>
  Fs.readdirSync("/proc/self/fd").flatMap((name) => {
    if (Number(name) <= standard) return []
    try {
      return [[Number(name), Fs.readlinkSync(`/proc/self/fd/${name}`)] as const]
    } catch {
      return []
    }
  })

/**
 * Closes the descriptors that came from whoever started this process. The close-on-exec flag does not tell them apart,
 * because Node sets it on what it inherits; what they point to does.
 */
export const closeInherited = () => {
  const found = open()
  for (const [fd, target] of found) {
    const alone = found.filter(([, other]) => other === target).length === 1
    if (own.test(target) && !(alone && target.startsWith("pipe:"))) continue
    try {
      Fs.closeSync(fd)
    } catch { /* closed since the listing */ }
  }
}
