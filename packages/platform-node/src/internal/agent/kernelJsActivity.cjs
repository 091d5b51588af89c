// @ts-check
"use strict"

/**
 * What a run has set in motion, so that it can be stopped together with the run. Node's own way to follow code through
 * its callbacks, AsyncLocalStorage, is none here: after an interrupted callback it ends the process.
 */
const { syncBuiltinESMExports } = require("node:module")
const timers = require("node:timers")

/**
 * @typedef {object} Activity
 * @property {Map<unknown, (timer: any) => void>} timers how to clear each
 * @property {ReadonlyArray<string>} before what was active when the run began
 */

/** @type {Activity | undefined} */
let current

/**
 * To whom the code that runs now belongs, as far as that is known: to the run that was begun or set the timer.
 *
 * @type {Activity | undefined}
 */
let owner

/**
 * @param {Activity} activity
 * @param {() => unknown} body
 */
const owned = (activity, body) => {
  owner = activity
  try {
    return body()
  } finally {
    queueMicrotask(disown)
  }
}

/** What a callback has resolved runs before the next tick, and is still part of it. */
const disown = () => {
  process.nextTick(() => {
    owner = undefined
  })
}

/** @param {() => void} body */
const beginRun = (body) => {
  current = { timers: new Map(), before: process.getActiveResourcesInfo() }
  owned(current, body)
}

/** From here on the timers of the run may go off when they like. */
const endRun = () => {
  current?.timers.clear()
  current = undefined
}

/**
 * Clears the timers of the run in progress.
 *
 * @returns {boolean} whether nothing is left of the run that could wake it up again
 */
const stopRun = () => {
  if (current === undefined) return true
  for (const [timer, clear] of current.timers) clear(timer)
  const { before } = current
  endRun()
  const left = process.getActiveResourcesInfo()
  for (const kind of before) {
    const at = left.indexOf(kind)
    if (at >= 0) left.splice(at, 1)
  }
  return left.length === 0
}

/** Makes timers known to the run that sets them. */
const watchTimers = () => {
  for (const kind of /** @type {const} */ (["Timeout", "Interval", "Immediate"])) {
    const [set, clear] = [timers[`set${kind}`], timers[`clear${kind}`]]
    const watched = {
      [`set${kind}`]: watchedSet(set, clear, kind === "Interval"),
      [`clear${kind}`]: watchedClear(clear)
    }
    Object.assign(timers, watched)
    Object.assign(globalThis, watched)
  }
  syncBuiltinESMExports()
}

/**
 * @param {Function} set
 * @param {(timer: any) => void} clear
 * @param {boolean} repeats
 */
const watchedSet = (set, clear, repeats) =>
  new Proxy(set, {
    apply: (target, self, [callback, ...rest]) => {
      const activity = owner
      if (activity === undefined || typeof callback !== "function") {
        return Reflect.apply(target, self, [callback, ...rest])
      }
      /** @this {unknown} */
      const watched = function(/** @type {ReadonlyArray<unknown>} */ ...values) {
        try {
          return owned(activity, () => Reflect.apply(callback, this, values))
        } finally {
          if (!repeats) activity.timers.delete(timer)
        }
      }
      const timer = Reflect.apply(target, self, [watched, ...rest])
      if (activity === current) activity.timers.set(timer, clear)
      return timer
    }
  })

/** @param {Function} clear */
const watchedClear = (clear) =>
  new Proxy(clear, {
    apply: (target, self, [timer]) => {
      current?.timers.delete(timer)
      return Reflect.apply(target, self, [timer])
    }
  })

module.exports = { beginRun, endRun, stopRun, watchTimers }
