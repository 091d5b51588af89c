// @ts-check
/** What a run has set in motion, so that it can be stopped together with the run. */
import { AsyncLocalStorage } from "node:async_hooks"
import { syncBuiltinESMExports } from "node:module"
import timers from "node:timers"

/**
 * @typedef {object} Activity
 * @property {Map<unknown, (timer: any) => void>} timers how to clear each
 * @property {ReadonlyArray<string>} before what was active when the run began
 */

/** @type {AsyncLocalStorage<Activity>} */
const activities = new AsyncLocalStorage()

/** @type {Activity | undefined} */
let current

/**
 * Whatever the body starts, now or later, belongs to a run of its own.
 *
 * @param {() => void} body
 */
export const beginRun = (body) => {
  current = { timers: new Map(), before: process.getActiveResourcesInfo() }
  activities.run(current, body)
}

/** From here on the timers of the run may go off when they like. */
export const endRun = () => {
  current = undefined
}

/** Whether the code that calls this belongs to the run in progress. */
export const isOfRun = () => current !== undefined && activities.getStore() === current

/**
 * Clears the timers of the run in progress.
 *
 * @returns {boolean} whether nothing is left of the run that could wake it up again
 */
export const stopRun = () => {
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
export const watchTimers = () => {
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
      const activity = activities.getStore()
      if (activity === undefined || activity !== current || typeof callback !== "function") {
        return Reflect.apply(target, self, [callback, ...rest])
      }
      /** @this {unknown} */
      const once = function(/** @type {ReadonlyArray<unknown>} */ ...values) {
        activity.timers.delete(timer)
        return Reflect.apply(callback, this, values)
      }
      const timer = Reflect.apply(target, self, [repeats ? callback : once, ...rest])
      activity.timers.set(timer, clear)
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
