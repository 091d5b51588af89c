/**
 * The changes below a path since the previous call; the first call establishes the baseline. Up to `maxWatched` directories
 * of the session are watched in between, in the order in which they were found. There an entry that was created and deleted
 * between two calls is reported too; elsewhere only the difference between the two calls is.
 */
import { lstatSync } from "node:fs"
import { resolve } from "node:path"
import { withResolved } from "../files/beneath.js"
import { pathArg } from "../wire/args.js"
import { failureOf, mapErrors } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { makeWatchedTree, type WatchedTree } from "./watchedTree.js"

const maxWatched = 2048

/** Baselines, and entries in all of them together: the least recently used are dropped first. */
const maxBaselines = 64
const maxRemembered = 200_000

interface Baseline {
  readonly tree: WatchedTree
  last: Promise<unknown>
}

const baselines = new Map<string, Baseline>()

let watched = 0
const budget = {
  take: () => {
    if (watched === maxWatched) return false
    watched++
    return true
  },
  release: () => void watched--
}

export const fileChange: Operation = async ({ args, signal }) => {
  const root = resolve(pathArg(args, "path"))
  const baseline = baselines.get(root)
  try {
    return {
      value: { events: baseline === undefined ? await begin(root, signal) : await next(root, baseline, signal) }
    }
  } catch (error) {
    throw failureOf(error, root)
  }
}

const begin = async (root: string, signal: AbortSignal) => {
  mapErrors(root, () => withResolved(root, true, (found) => lstatSync(found)))
  const tree = makeWatchedTree(root, budget)
  const baseline: Baseline = { tree, last: Promise.resolve() }
  baselines.set(root, baseline)
  try {
    await next(root, baseline, signal)
    return []
  } catch (error) {
    drop(root, baseline)
    throw error
  }
}

/** Polls of one baseline are serialised. */
const next = async (root: string, baseline: Baseline, signal: AbortSignal) => {
  const events = baseline.last.then(() => baseline.tree.poll(signal))
  baseline.last = events.catch(() => {})
  const taken = await events
  if (baselines.delete(root)) baselines.set(root, baseline)
  dropOldest()
  return taken
}

const dropOldest = () => {
  let total = 0
  for (const { tree } of baselines.values()) total += tree.size()
  for (const [root, baseline] of baselines) {
    if (total <= maxRemembered && baselines.size <= maxBaselines) return
    total -= baseline.tree.size()
    drop(root, baseline)
  }
}

const drop = (root: string, baseline: Baseline) => {
  baseline.tree.close()
  if (baselines.get(root) === baseline) baselines.delete(root)
}
