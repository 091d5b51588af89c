/**
 * Everything below a directory, without following symbolic links and without keeping the agent from its other calls.
 */
import * as Fs from "node:fs"
import { setImmediate as breathe } from "node:timers/promises"
import { isWithin, openFolder, pathOf } from "./beneath.js"

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = Fs.constants

/** How long other calls may have to wait. */
const breathEveryMs = 5

export interface Found {
  /** Relative to where the walk began. */
  readonly path: string
  readonly name: string
  readonly isDirectory: boolean
  /** Only while it is visited; undefined if it is gone by then. */
  readonly stat: () => Fs.BigIntStats | undefined
}

/** Visits each entry once, a directory before what is in it. What cannot be read is left out. */
export const walk = async (root: string, visit: (found: Found) => "enter" | "skip" | "stop"): Promise<void> => {
  const top = openFolder(root)
  const pending = [""]
  let breath = performance.now()
  try {
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const { entry, stat } of entriesOf(`${pathOf(top)}/${at.slice(0, -1) || "."}`)) {
        if (performance.now() - breath > breathEveryMs) {
          await breathe()
          breath = performance.now()
        }
        const isDirectory = entry.isDirectory()
        const path = at + entry.name
        const next = visit({ path, name: entry.name, isDirectory, stat })
        if (next === "stop") return
        if (next === "enter" && isDirectory) pending.push(`${path}/`)
      }
    }
  } finally {
    Fs.closeSync(top)
  }
}

const entriesOf = function*(directory: string) {
  const fd = opened(directory)
  if (fd === undefined) return
  let handle: Fs.Dir | undefined
  try {
    handle = Fs.opendirSync(pathOf(fd))
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) {
      const path = `${pathOf(fd)}/${entry.name}`
      yield { entry, stat: () => Fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }) }
    }
  } finally {
    handle?.closeSync()
    Fs.closeSync(fd)
  }
}

const opened = (directory: string) => {
  try {
    const fd = Fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    if (isWithin(fd)) return fd
    Fs.closeSync(fd)
  } catch { /* what cannot be read is left out */ }
  return undefined
}
