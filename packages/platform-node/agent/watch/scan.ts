/** A complete scan of a tree, which finds what no event has reported. */
import { setImmediate as nextTurn } from "node:timers/promises"
import { isOwn } from "../files/ownFiles.js"
import { walk } from "../files/walk.js"
import { codeOf, Failure } from "../wire/failure.js"
import type { DirectoryWatches } from "./directoryWatches.js"
import { describe, isDirectory, stateOf } from "./entryState.js"
import type { Snapshot } from "./snapshot.js"

/** Entries below one root. */
export const maxEntries = 100_000

/** Entries that are checked without a turn of the event loop. */
const batch = 1000

export const scan = async (root: string, snapshot: Snapshot, watches: DirectoryWatches, signal: AbortSignal) => {
  const seen = new Set<string>()
  const base = root === "/" ? "" : root
  const top = stateOf(root, true)
  if (top === undefined || !isDirectory(top)) {
    if (top !== undefined) snapshot.check(root, 0)
    watches.remove(root)
  } else {
    watches.add(root, top)
    await walk(root, ({ name, path, stat }) => {
      if (signal.aborted) throw new Failure("EFAIL", `Cancelled while looking for changes: ${root}`)
      if (seen.size === maxEntries) throw new Failure("EFBIG", `More than ${maxEntries} entries to watch: ${root}`)
      if (isOwn(name)) return "skip"
      const entry = `${base}/${path}`
      const state = describe(stat())
      seen.add(entry)
      if (snapshot.get(entry) !== state) snapshot.check(entry, 0)
      if (state !== undefined && isDirectory(state)) watches.add(entry, state)
      return "enter"
    }).catch(ignoreMissing)
  }
  await checkUnseen(snapshot, seen)
}

const checkUnseen = async (snapshot: Snapshot, seen: ReadonlySet<string>) => {
  let checked = 0
  for (const path of snapshot.paths()) {
    if (seen.has(path)) continue
    if (++checked % batch === 0) await nextTurn()
    snapshot.check(path, 0)
  }
}

const ignoreMissing = (error: unknown) => {
  if (!["ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error
}
