// @ts-check
"use strict"

/**
 * What has changed below a path since it was asked for the last time; the first time sets the baseline. Up to
 * `mostWatched` folders of the session are watched in between, in the order in which they were found: in those an entry
 * that came and went is told too, in the others only what is left at the next poll.
 */
const fs = require("node:fs")
const { resolve } = require("node:path")
const { path } = require("./args.cjs")
const { about, failureOf } = require("./failure.cjs")
const { at } = require("./places.cjs")
const { makeWatchedTree } = require("./watchedTree.cjs")

const mostWatched = 2048

/** Baselines, and entries in all of them: those that were used longest ago are forgotten first. */
const mostBaselines = 64
const mostRemembered = 200_000

/** @typedef {{ readonly tree: import("./watchedTree.cjs").WatchedTree, last: Promise<unknown> }} Baseline */

/** @type {Map<string, Baseline>} */
const baselines = new Map()

let watched = 0
const allowance = {
  take: () => {
    if (watched === mostWatched) return false
    watched++
    return true
  },
  release: () => void watched--
}

/** @type {import("./operation.cjs").Operation} */
const fileChange = async ({ args, signal }) => {
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

/**
 * @param {string} root
 * @param {AbortSignal} signal
 */
const begin = async (root, signal) => {
  about(root, () => at(root, true, (found) => fs.lstatSync(found)))
  const tree = makeWatchedTree(root, allowance)
  /** @type {Baseline} */
  const baseline = { tree, last: Promise.resolve() }
  baselines.set(root, baseline)
  try {
    await next(root, baseline, signal)
    return []
  } catch (error) {
    drop(root, baseline)
    throw error
  }
}

/**
 * One poll after the other.
 *
 * @param {string} root
 * @param {Baseline} baseline
 * @param {AbortSignal} signal
 */
const next = async (root, baseline, signal) => {
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

/**
 * @param {string} root
 * @param {Baseline} baseline
 */
const drop = (root, baseline) => {
  baseline.tree.close()
  if (baselines.get(root) === baseline) baselines.delete(root)
}

module.exports = { fileChange }
