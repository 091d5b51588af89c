// Loaded before a program that runs from its sources: Node opens many modules at a time, and where it may not it ends with
// a stack trace before the program's first line.
import { existsSync, readFileSync } from "node:fs"

const fewest = 256
const limits = "/proc/self/limits"

const limit = existsSync(limits) ? Number(/^Max open files\s+(\d+)/m.exec(readFileSync(limits, "utf8"))?.[1]) : Infinity

if (limit < fewest) {
  console.error(
    `This program needs ${fewest} open files at a time, and may have ${limit}. Raise the limit: ulimit -n ${fewest}`
  )
  process.exit(2)
}
