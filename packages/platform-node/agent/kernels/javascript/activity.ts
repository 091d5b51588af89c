/**
 * Tracks the timers of a run, so that they can be stopped together with it. AsyncLocalStorage cannot be used: Node aborts
 * after an interrupted callback because the async hooks stack is inconsistent.
 */
import { syncBuiltinESMExports } from "node:module"
import timers from "node:timers"

/** A function of `node:timers`, whatever its parameters. */
type TimerFunction = (...args: ReadonlyArray<unknown>) => unknown

interface Activity {
  /** The function that clears each. */
  readonly timers: Map<unknown, TimerFunction>
  /** The active resources when the run began. */
  readonly before: ReadonlyArray<string>
}

let current: Activity | undefined

/** The run that the executing code belongs to, if known: the one that was started or has set the timer. */
let owner: Activity | undefined

const owned = (activity: Activity, body: () => unknown) => {
  owner = activity
  try {
    return body()
  } finally {
    queueMicrotask(disown)
  }
}

/** Promise reactions of a callback run before the next tick and still belong to its run. */
const disown = () => {
  process.nextTick(() => {
    owner = undefined
  })
}

export const beginRun = (body: () => void) => {
  current = { timers: new Map(), before: process.getActiveResourcesInfo() }
  owned(current, body)
}

/** From now on the timers of the run are no longer tracked. */
export const endRun = () => {
  current?.timers.clear()
  current = undefined
}

/** Clears the timers of the current run. Returns whether nothing is left that could resume it. */
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

/** Wraps the timer functions, so that each timer is assigned to the run that sets it. */
export const trackTimers = () => {
  for (const kind of ["Timeout", "Interval", "Immediate"] as const) {
    const set = timers[`set${kind}`] as TimerFunction
    const clear = timers[`clear${kind}`] as TimerFunction
    const tracked = {
      [`set${kind}`]: trackedSet(set, clear, kind === "Interval"),
      [`clear${kind}`]: trackedClear(clear)
    }
    Object.assign(timers, tracked)
    Object.assign(globalThis, tracked)
  }
  syncBuiltinESMExports()
}

const trackedSet = (set: TimerFunction, clear: TimerFunction, repeats: boolean) =>
  new Proxy(set, {
    apply: (target, self, [callback, ...rest]) => {
      const activity = owner
      if (activity === undefined || typeof callback !== "function") {
        return Reflect.apply(target, self, [callback, ...rest])
      }
      const tracked = function(this: unknown, ...values: ReadonlyArray<unknown>) {
        try {
          return owned(activity, () => Reflect.apply(callback, this, values))
        } finally {
          if (!repeats) activity.timers.delete(timer)
        }
      }
      const timer = Reflect.apply(target, self, [tracked, ...rest])
      if (activity === current) activity.timers.set(timer, clear)
      return timer
    }
  })

const trackedClear = (clear: TimerFunction) =>
  new Proxy(clear, {
    apply: (target, self, [timer]) => {
      current?.timers.delete(timer)
      return Reflect.apply(target, self, [timer])
    }
  })
