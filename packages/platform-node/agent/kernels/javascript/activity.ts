/**
 * Tracks the timers of a run, so that they can be stopped together with it, and what else it has started.
 * AsyncLocalStorage cannot be used: Node aborts after an interrupted callback because the async hooks stack is inconsistent.
 */
import { syncBuiltinESMExports } from "node:module"
import timers from "node:timers"
import { countKinds, describeKinds, type Kinds, minus } from "./resources.js"

/** A function of `node:timers`, whatever its parameters. */
type TimerFunction = (...args: ReadonlyArray<unknown>) => unknown

interface TrackedTimer {
  readonly clear: TimerFunction
  readonly repeats: boolean
  /** When it is due, for one that does not repeat. */
  readonly due: number
}

interface Activity {
  readonly run: string
  readonly timers: Map<unknown, TrackedTimer>
  /** The active resources when the run began. */
  readonly before: Kinds
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

export const beginRun = (run: string, body: () => void) => {
  current = { run, timers: new Map(), before: countKinds() }
  owned(current, body)
}

/** From now on the timers of the run are no longer tracked. */
export const endRun = () => {
  current?.timers.clear()
  current = undefined
}

/** The run that the executing code belongs to, if that run has ended and another one is running. */
export const strayRun = () => owner === undefined || current === undefined || owner === current ? undefined : owner.run

/** Whether the executing code is known to belong to a run that has ended. */
export const isOfEndedRun = () => owner !== undefined && owner !== current

/** Clears the timers of the current run. Returns whether nothing is left that could resume it. */
export const stopRun = (): boolean => {
  if (current === undefined) return true
  for (const [timer, { clear }] of current.timers) clear(timer)
  const { before } = current
  endRun()
  return minus(countKinds(), before).size === 0
}

/** What the current run has started and is not done yet. */
export interface Unfinished {
  /** Whether some of it may be done by itself before the deadline: a timer, a request, a child process. */
  readonly isBrief: boolean
  readonly description: string
}

export const unfinishedWork = (deadline: number): Unfinished => {
  if (current === undefined) return { isBrief: false, description: "" }
  const kinds = minus(countKinds(), current.before)
  const timers = [...current.timers].filter(([timer]) => !isUnreferenced(timer)).map(([, tracked]) => tracked)
  const untracked = Math.max(0, (kinds.get("Timeout") ?? 0) - timers.length)
  const intervals = timers.filter(({ repeats }) => repeats).length
  const isDue = timers.some(({ due, repeats }) => !repeats && due <= deadline)
  kinds.delete("Timeout")
  kinds.delete("Immediate")
  const { hasBrief, texts } = describeKinds(kinds, { timers: timers.length - intervals + untracked, intervals })
  return { isBrief: isDue || untracked > 0 || hasBrief, description: texts.join(", ") }
}

const isUnreferenced = (timer: unknown) =>
  typeof timer === "object" && timer !== null && "hasRef" in timer && typeof timer.hasRef === "function" &&
  timer.hasRef() === false

/** Wraps the timer functions, so that each timer is assigned to the run that sets it. */
export const trackTimers = () => {
  for (const kind of ["Timeout", "Interval", "Immediate"] as const) {
    const set = timers[`set${kind}`] as TimerFunction
    const clear = timers[`clear${kind}`] as TimerFunction
    const tracked = {
      [`set${kind}`]: trackedSet(set, clear, kind),
      [`clear${kind}`]: trackedClear(clear)
    }
    Object.assign(timers, tracked)
    Object.assign(globalThis, tracked)
  }
  syncBuiltinESMExports()
}

const trackedSet = (set: TimerFunction, clear: TimerFunction, kind: "Timeout" | "Interval" | "Immediate") =>
  new Proxy(set, {
    apply: (target, self, [callback, ...rest]) => {
      const activity = owner
      if (activity === undefined || typeof callback !== "function") {
        return Reflect.apply(target, self, [callback, ...rest])
      }
      const repeats = kind === "Interval"
      const tracked = function(this: unknown, ...values: ReadonlyArray<unknown>) {
        try {
          return owned(activity, () => Reflect.apply(callback, this, values))
        } finally {
          if (!repeats) activity.timers.delete(timer)
        }
      }
      const timer = Reflect.apply(target, self, [tracked, ...rest])
      const delay = kind === "Timeout" ? Number(rest[0]) || 0 : 0
      if (activity === current) activity.timers.set(timer, { clear, repeats, due: performance.now() + delay })
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
