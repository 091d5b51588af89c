/**
 * Tracks the timers of a run, so that they can be stopped together with it, and what else it has started.
 * AsyncLocalStorage cannot be used: Node aborts after an interrupted callback because the async hooks stack is inconsistent.
 */
import { syncBuiltinESMExports } from "node:module"
import timers from "node:timers"
import { countKinds, describeKinds, type Kinds, minus } from "./resources.js"

/** A function of `node:timers`, whatever its parameters. */
type TimerFunction = (...args: ReadonlyArray<unknown>) => unknown

/** Before they are tracked. */
const { setImmediate: setTurn } = timers

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

/** Calls what belongs to the current run. */
export const resumeRun = <A>(body: () => A): A | undefined =>
  current === undefined ? undefined : owned(current, body) as A

/** What the current run has started and is not done yet. */
export interface Unfinished {
  /** Whether to wait for some of it: a timer, a request, a child process that may be done by itself before the deadline. */
  readonly isBrief: boolean
  readonly description: string
}

/** `isPatient` tells to wait for all timers, whenever they are due. */
export const unfinishedWork = (deadline: number, isPatient: boolean): Unfinished => {
  if (current === undefined) return { isBrief: false, description: "" }
  const kinds = minus(countKinds(), current.before)
  const timers = [...current.timers].filter(([timer]) => !isUnreferenced(timer)).map(([, tracked]) => tracked)
  const untracked = Math.max(0, (kinds.get("Timeout") ?? 0) - timers.length)
  const intervals = timers.filter(({ repeats }) => repeats).length
  const isEarly = performance.now() < deadline
  const isDue = timers.some(({ due, repeats }) => !repeats && (isPatient || isEarly && due <= deadline))
  kinds.delete("Timeout")
  kinds.delete("Immediate")
  const { hasBrief, texts } = describeKinds(kinds, { timers: timers.length - intervals + untracked, intervals })
  return { isBrief: isDue || isEarly && (untracked > 0 || hasBrief), description: texts.join(", ") }
}

const isUnreferenced = (timer: unknown) =>
  typeof timer === "object" && timer !== null && "hasRef" in timer && typeof timer.hasRef === "function" &&
  timer.hasRef() === false

/** What Node links immediates by. */
interface Immediate {
  _destroyed: boolean
  _onImmediate: () => void
  _idleNext: Immediate
  _idlePrev: Immediate
}

/** The one that is or was executing. */
let immediate: Immediate | undefined

/** Calls what executes code in a turn of its own. */
export const inTurn = (body: () => void) => {
  const turn = setTurn(() => {
    immediate = turn as unknown as Immediate
    body()
  })
}

/**
 * Whether the error tells that Node has lost its place among the immediates, since one of them was stopped. It would tell so
 * for ever: lets Node finish the one that was stopped, and adds to their number what it then counts twice.
 */
export const mendImmediates = (error: unknown): boolean => {
  const isLost = error instanceof TypeError && error.message.includes("'_idleNext'") &&
    /^\s+at (?:process\.)?processImmediate \(node:/m.test(error.stack ?? "")
  if (!isLost || immediate === undefined) return false
  Object.assign(immediate, { _destroyed: false, _onImmediate: () => {} })
  immediate = undefined
  const [before, , after] = [0, 1, 2].map(() => setTurn(() => {}).unref())
  Object.assign(before ?? {}, { _idleNext: after })
  Object.assign(after ?? {}, { _idlePrev: before })
  return true
}

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
        if (kind === "Immediate") immediate = timer as Immediate
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
