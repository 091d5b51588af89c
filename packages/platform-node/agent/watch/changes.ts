/**
 * What has changed below a path since it was asked for the last time; the first time sets the baseline. Up to
 * `mostWatched` folders of the session are watched in between, in the order in which they were found: in those an entry
 * that came and went is told too, in the others only what is left at the next poll.
 */
import * as Fs from "node:fs"
import { resolve } from "node:path"
import { at } from "../files/beneath.js"
import type { Operation } from "../operation.js"
import { path } from "../wire/args.js"
import { about, failureOf } from "../wire/failure.js"
import { makeWatchedTree, type WatchedTree } from "./watchedTree.js"

const mostWatched = 2048

/** Baselines, and entries in all of them: those that were used longest ago are forgotten first. */
const mostBaselines = 64
const mostRemembered = 200_000

type Baseline = { readonly tree: WatchedTree; last: Promise<unknown> }

const baselines = new Map<string, Baseline>()

let watched = 0
const allowance = {
  take: () => {
    if (watched === mostWatched) return false
    watched++
    return true
  },
  release: () => void watched--
}

export const fileChange: Operation = async ({ args, signal }) => {
  const root = resolve(path(args, "path"))
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
  about(root, () => at(root, true, (found) => Fs.lstatSync(found)))
  const tree = makeWatchedTree(root, allowance)
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

/** One poll after the other. */
const next = async (root: string, baseline: Baseline, signal: AbortSignal) => {
  const events = baseline.last.then(() => baseline.tree.poll(signal))
  baseline.last = events.catch(() => {})
  const taken = await events
  if (baselines.delete(root)) baselines.set(root, baseline)
  forgetOldest()
  return taken
}

const forgetOldest = () => {
  let total = 0
  for (const { tree } of baselines.values()) total += tree.size()
  for (const [root, baseline] of baselines) {
    if (total <= mostRemembered && baselines.size <= mostBaselines) return
    total -= baseline.tree.size()
    drop(root, baseline)
  }
}

const drop = (root: string, baseline: Baseline) => {
  baseline.tree.close()
  if (baselines.get(root) === baseline) baselines.delete(root)
}
