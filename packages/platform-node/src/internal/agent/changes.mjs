// @ts-check
/** What has changed below a path since it was asked for the last time. */
import * as fs from "node:fs"
import { resolve } from "node:path"
import { path } from "./args.mjs"
import { about, Failure } from "./failure.mjs"
import { walk } from "./walk.mjs"

const mostEntries = 100_000

/** How many entries are remembered in all: the baselines that were used longest ago are forgotten first. */
const mostRemembered = 200_000

/**
 * An entry is remembered as one short text, since there may be many: "d" for a directory, else time, size and inode. The
 * time of a directory says nothing that its entries do not say.
 *
 * @typedef {Map<string, string>} Snapshot
 */

/** @type {Map<string, Snapshot>} */
const baselines = new Map()

/** @type {import("./operation.mjs").Operation} */
export const fileChange = async ({ args, signal }) => {
  const root = resolve(path(args, "path"))
  const before = baselines.get(root)
  if (before === undefined) about(root, () => fs.statSync(root))
  const after = await snapshotOf(root, signal)
  remember(root, after)
  return { value: { events: before === undefined ? [] : eventsOf(before, after) } }
}

/**
 * @param {string} root
 * @param {AbortSignal} signal
 * @returns {Promise<Snapshot>}
 */
const snapshotOf = async (root, signal) => {
  /** @type {Snapshot} */
  const snapshot = new Map()
  const stat = fs.statSync(root, { throwIfNoEntry: false })
  if (stat === undefined) return snapshot
  if (!stat.isDirectory()) return snapshot.set(root, stateOf(root))
  const base = root === "/" ? "" : root
  await walk(base, ({ isDirectory, path }) => {
    if (signal.aborted) throw new Failure("EFAIL", `Cancelled while looking for changes: ${root}`)
    if (snapshot.size === mostEntries) throw new Failure("EFBIG", `More than ${mostEntries} entries to watch: ${root}`)
    const file = `${base}/${path}`
    snapshot.set(file, isDirectory ? "d" : stateOf(file))
    return "enter"
  })
  return snapshot
}

/** @param {string} file */
const stateOf = (file) => {
  try {
    const { ino, mtimeNs, size } = fs.lstatSync(file, { bigint: true })
    return `${mtimeNs} ${size} ${ino}`
  } catch {
    return ""
  }
}

/**
 * @param {string} root
 * @param {Snapshot} snapshot
 */
const remember = (root, snapshot) => {
  baselines.delete(root)
  baselines.set(root, snapshot)
  let total = 0
  for (const { size } of baselines.values()) total += size
  for (const [oldest, { size }] of baselines) {
    if (total <= mostRemembered) return
    baselines.delete(oldest)
    total -= size
  }
}

/**
 * @param {Snapshot} before
 * @param {Snapshot} after
 */
const eventsOf = (before, after) => {
  /** @type {Array<{ eventType: "create" | "modify" | "delete", path: string, pathType: "file" | "directory" }>} */
  const events = []
  const typeOf = (/** @type {string | undefined} */ state) => state === "d" ? "directory" : "file"
  for (const [path, state] of before) {
    const now = after.get(path)
    if (now === undefined || typeOf(now) !== typeOf(state)) {
      events.push({ eventType: "delete", path, pathType: typeOf(state) })
    } else if (now !== state) events.push({ eventType: "modify", path, pathType: "file" })
  }
  for (const [path, state] of after) {
    const was = before.get(path)
    if (was === undefined || typeOf(was) !== typeOf(state)) {
      events.push({ eventType: "create", path, pathType: typeOf(state) })
    }
  }
  return events.sort((one, other) => one.path < other.path ? -1 : one.path > other.path ? 1 : 0)
}
