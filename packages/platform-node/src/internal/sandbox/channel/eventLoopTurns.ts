/**
 * Turns on the event loop, which all sessions share. What has little to do does it at once. What has worked for longer than
 * its share waits, and those that wait get one short turn each, one in every pass of the loop: however many agents flood
 * their host, nobody else waits longer than such a turn.
 */
import * as GlobalValue from "effect/GlobalValue"

/** The length of a turn, in milliseconds. */
const turnMs = 1

/** The part of the time that may be used without waiting, and what may be saved up of it in milliseconds. */
const share = { part: 0.05, savedMs: 4 }

interface Queue {
  readonly waiting: Set<() => void>
  isScheduled: boolean
}

const queue = GlobalValue.globalValue(
  "@effect-agb/platform-node/eventLoopTurns",
  (): Queue => ({ waiting: new Set(), isScheduled: false })
)

const schedule = () => {
  if (queue.isScheduled || queue.waiting.size === 0) return
  queue.isScheduled = true
  setImmediate(() => {
    queue.isScheduled = false
    const [first] = queue.waiting
    if (first !== undefined) {
      queue.waiting.delete(first)
      first()
    }
    schedule()
  })
}

/** Resolves in a pass of the event loop of its own: for what is done for a thousand sessions at once. */
export const ownPass = (): Promise<void> =>
  new Promise((resolve) => {
    queue.waiting.add(resolve)
    schedule()
  })

export interface Turns {
  /** Asks for a turn: at once, or when those that wait had theirs. */
  readonly request: () => void
  /** Whether the present turn still lasts. */
  readonly lasts: () => boolean
  /** Whether a turn is being waited for. */
  readonly areWaiting: boolean
  readonly stop: () => void
}

/**
 * `work` is called in each turn, should end when the turn does, and returns whether there is more to do. `onChange` is called
 * after each turn, and when one has to be waited for.
 */
export const makeTurns = (work: () => boolean, onChange: () => void): Turns => {
  let saved = share.savedMs
  let last = performance.now()
  let end = 0

  const run = () => {
    const began = performance.now()
    saved = Math.min(share.savedMs, saved + share.part * (began - last))
    last = began
    end = began + turnMs
    const hasMore = work()
    saved = Math.max(-share.savedMs, saved - (performance.now() - began))
    if (hasMore) wait()
    else onChange()
  }
  const wait = () => {
    queue.waiting.add(run)
    schedule()
    onChange()
  }

  return {
    request: () => {
      if (queue.waiting.has(run)) return
      const earned = share.part * (performance.now() - last)
      if (saved + earned > 0) run()
      else wait()
    },
    lasts: () => performance.now() < end,
    get areWaiting() {
      return queue.waiting.has(run)
    },
    stop: () => void queue.waiting.delete(run)
  }
}
