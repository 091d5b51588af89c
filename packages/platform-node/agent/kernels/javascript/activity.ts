/**
 * What a run has set in motion, so that it can be stopped together with the run. Node's own way to follow code through
 * its callbacks, AsyncLocalStorage, is none here: after an interrupted callback it ends the process.
 */
import { syncBuiltinESMExports } from "node:module"
import timers from "node:timers"

/** A function of `node:timers`, whatever its parameters. */
type TimerFunction = (...args: ReadonlyArray<unknown>) => unknown

interface Activity {
  /** How to clear each. */
  readonly timers: Map<unknown, TimerFunction>
  /** What was active when the run began. */
  readonly before: ReadonlyArray<string>
}

let current: Activity | undefined

/** To whom the code that runs now belongs, as far as that is known: to the run that was begun or set the timer. */
let owner: Activity | undefined

const owned = (activity: Activity, body: () => unknown) => {
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

export const beginRun = (body: () => void) => {
  current = { timers: new Map(), before: process.getActiveResourcesInfo() }
  owned(current, body)
}

/** From here on the timers of the run may go off when they like. */
export const endRun = () => {
  current?.timers.clear()
  current = undefined
}

/**
 * Clears the timers of the run in progress.
 *
 * @returns whether nothing is left of the run that could wake it up again
 */
export const stopRun = (): boolean => {
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
  for (const kind of ["Timeout", "Interval", "Immediate"] as const) {
    const set = timers[`set${kind}`] as TimerFunction
    const clear = timers[`clear${kind}`] as TimerFunction
    const watched = {
      [`set${kind}`]: watchedSet(set, clear, kind === "Interval"),
      [`clear${kind}`]: watchedClear(clear)
    }
    Object.assign(timers, watched)
    Object.assign(globalThis, watched)
  }
  syncBuiltinESMExports()
}

const watchedSet = (set: TimerFunction, clear: TimerFunction, repeats: boolean) =>
  new Proxy(set, {
    apply: (target, self, [callback, ...rest]) => {
      const activity = owner
      if (activity === undefined || typeof callback !== "function") {
        return Reflect.apply(target, self, [callback, ...rest])
      }
      const watched = function(this: unknown, ...values: ReadonlyArray<unknown>) {
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

const watchedClear = (clear: TimerFunction) =>
  new Proxy(clear, {
    apply: (target, self, [timer]) => {
      current?.timers.delete(timer)
      return Reflect.apply(target, self, [timer])
    }
  })
