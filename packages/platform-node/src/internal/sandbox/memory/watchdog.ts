/**
 * The limit on memory where no control group can be had: this process looks at the processes of each session, often at
 * those that are near their limit or grow, seldom at the others, and at all when the machine's free memory shrinks.
 */
import * as Effect from "effect/Effect"
import { setTimeout as delay } from "node:timers/promises"
import { treeOf } from "../process/processTree.js"
import type { MemoryHold, MemoryKeeper } from "./memoryLimit.js"
import { type ExactUse, exactUse, machineMemory, mostDescriptors, quickUse } from "./procUsage.js"

interface Watched {
  readonly bytes: number
  readonly end: (reason: string) => void
  readonly pid: number
  readonly memoryFolders: ReadonlyArray<string>
  /** The processes that build the sandbox, and its agent: they are never chosen. */
  spared: ReadonlySet<number>
  kills: number
  used: number
  lookedAt: number
  interval: number
  due: number
  /** Whether it may have taken shared memory that the quick look does not see. */
  mayHide: boolean
}

/** In milliseconds. What a process can take in one of them is what a session may exceed its limit by. */
const tick = 25
const shortest = 10
const longestNear = 400
const longest = 30_000

/** From this part of the limit on the exact look is taken. */
const near = 0.7
/** What is killed brings the session down to this part of its limit. */
const relief = 0.8

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended by itself.
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const dying = 1000

const goneOf = async (pids: ReadonlyArray<number>): Promise<void> => {
  for (let waited = 0; waited < dying && pids.some(isAlive); waited += 5) await delay(5)
}

/** The largest processes, as many as it takes; undefined where all would not be enough. */
const victims = (session: Watched, { bytes, each }: ExactUse): ReadonlyArray<number> | undefined => {
  const candidates = [...each].filter(([pid]) => !session.spared.has(pid)).sort(([, a], [, b]) => b - a)
  const chosen: Array<number> = []
  let left = bytes
  for (const [pid, own] of candidates) {
    chosen.push(pid)
    left -= own
    if (left <= relief * session.bytes) return chosen
  }
  return undefined
}

const relieve = async (session: Watched, use: ExactUse): Promise<void> => {
  if (use.descriptors > mostDescriptors) return session.end(`it has more than ${mostDescriptors} open files`)
  if (use.bytes <= session.bytes) return
  const chosen = victims(session, use)
  session.kills += 1
  if (chosen === undefined) return session.end("its files and processes exceed the limit on its memory")
  chosen.forEach(kill)
  await goneOf(chosen)
}

/** In a quarter of the time that is left at the rate at which it grows, else later each time. */
const schedule = (session: Watched, used: number): void => {
  const now = performance.now()
  const rate = (used - session.used) / (now - session.lookedAt)
  const calm = Math.min(2 * Math.max(session.interval, tick), used > session.bytes / 2 ? longestNear : longest)
  const urgent = rate > 0 ? (session.bytes - used) / rate / 4 : Infinity
  session.interval = Math.max(shortest, Math.min(calm, urgent))
  session.used = used
  session.lookedAt = now
  session.due = now + session.interval
}

const look = async (session: Watched): Promise<void> => {
  const pids = treeOf(session.pid)
  const files = { pid: pids[1], folders: session.memoryFolders }
  const quick = await quickUse(files, pids)
  if (quick < near * session.bytes && !session.mayHide) return schedule(session, quick)
  session.mayHide = false
  const exact = await exactUse(files, pids)
  await relieve(session, exact)
  schedule(session, exact.bytes)
}

/** What the machine lost since all were last looked at; a loss of a part of what the smallest session has left is worth it. */
const makeGauge = () => {
  let before = machineMemory()
  return (sessions: Iterable<Watched>): "nothing" | "memory" | "shared memory" => {
    const now = machineMemory()
    const room = [...sessions].reduce((least, { bytes, used }) => Math.min(least, bytes - used), Infinity)
    const worth = Math.max(room / 8, 16 * 1024 * 1024)
    const isHidden = now.shared - before.shared > worth
    const isLess = before.available - now.available > worth
    if (isHidden || isLess) before = now
    else {
      before = {
        available: Math.max(before.available, now.available),
        shared: Math.min(before.shared, now.shared)
      }
    }
    return isHidden ? "shared memory" : isLess ? "memory" : "nothing"
  }
}

/** How long one round may take before the rest of the sessions waits for the next. */
const budget = 20

/** What this process has worked, in milliseconds: on a busy machine little of the time that has passed. */
const worked = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/** At most a third of the time of one processor, whatever the sessions do. */
const pauseAfter = (busy: number, sessions: Iterable<Watched>): number => {
  const next = [...sessions].reduce((least, { due }) => Math.min(least, due), Infinity) - performance.now()
  return Math.max(shortest, Math.min(tick, next), 2 * busy)
}

/** Looks until no session is left. */
const patrol = async (sessions: ReadonlySet<Watched>): Promise<void> => {
  const lossOf = makeGauge()
  let pause = tick
  while (sessions.size > 0) {
    await delay(pause, undefined, { ref: false })
    const began = performance.now()
    const before = worked()
    const loss = lossOf(sessions)
    for (const session of loss === "nothing" ? [] : sessions) {
      session.due = 0
      session.mayHide ||= loss === "shared memory"
    }
    const due = [...sessions].filter((session) => session.due <= began).sort((a, b) => a.interval - b.interval)
    for (const session of due) {
      if (performance.now() - began > budget) break
      if (sessions.has(session)) await look(session)
    }
    pause = pauseAfter(worked() - before, sessions)
  }
}

const holdIn = (sessions: Set<Watched>, limit: Pick<Watched, "bytes" | "memoryFolders">, watch: () => void) => {
  let session: Watched | undefined
  const hold: MemoryHold = {
    attach: (pid, end) => {
      const now = performance.now()
      session = {
        ...limit,
        end,
        pid,
        spared: new Set(),
        kills: 0,
        used: 0,
        lookedAt: now,
        interval: tick,
        due: now,
        mayHide: false
      }
    },
    counted: Effect.sync(() => {
      if (session === undefined) return
      session.spared = new Set(treeOf(session.pid))
      sessions.add(session)
      watch()
    }),
    kills: () => session?.kills ?? 0
  }
  const leave = Effect.sync(() => {
    if (session !== undefined) sessions.delete(session)
  })
  return { hold, leave }
}

export const makeWatch = (): MemoryKeeper => {
  const sessions = new Set<Watched>()
  let isWatching = false
  const watch = () => {
    if (isWatching) return
    isWatching = true
    void patrol(sessions).finally(() => {
      isWatching = false
    })
  }
  return {
    means: "a watchdog in this process",
    isComplete: false,
    hold: (bytes, memoryFolders) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => holdIn(sessions, { bytes, memoryFolders }, watch)),
          ({ leave }) => leave
        ),
        ({ hold }) => hold
      ),
    cleared: Effect.void,
    sweep: Effect.void
  }
}
