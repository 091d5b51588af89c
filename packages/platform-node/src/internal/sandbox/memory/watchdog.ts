/**
 * Memory limits where no control group can be created: this process polls the memory of each session. It polls often those
 * that are near their limit or growing, the others rarely, and all of them when the machine's free memory drops.
 */
import * as Effect from "effect/Effect"
import { setTimeout as delay } from "node:timers/promises"
import { processTree } from "../process/processTree.js"
import type { MemoryController, MemoryLimit } from "./memoryLimit.js"
import {
  estimateUsage,
  machineMemory,
  machineThreads,
  maxDescriptors,
  measureUsage,
  type MemoryUsage
} from "./procUsage.js"

interface WatchedSession {
  readonly limitBytes: number
  readonly tmpfsMounts: ReadonlyArray<string>
  /** How many processes and threads it may have; undefined where something else limits them. */
  readonly processes: number | undefined
  readonly end: (reason: string) => void
  readonly pid: number
  /** The processes that build the sandbox, and its agent: never killed for memory. */
  exempt: ReadonlySet<number>
  oomKills: number
  usedBytes: number
  polledAt: number
  intervalMs: number
  dueAt: number
  /** Whether it may hold shared memory that the estimate misses. */
  mayHideMemory: boolean
}

/** A session may exceed its limit by what it allocates in one of these. */
const tickMs = 25
const minIntervalMs = 10
const maxIntervalNearLimitMs = 400
const maxIntervalMs = 30_000

/** Usage is measured, not just estimated, from this fraction of the limit on. */
const measureFrom = 0.7
/** Killing goes on until usage is below this fraction of the limit. */
const killUntil = 0.8

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has exited.
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const maxExitWaitMs = 1000

const exited = async (pids: ReadonlyArray<number>): Promise<void> => {
  for (let waited = 0; waited < maxExitWaitMs && pids.some(isAlive); waited += 5) await delay(5)
}

/** The largest processes, as many as necessary; undefined where killing all would not suffice. */
const chooseVictims = (
  session: WatchedSession,
  { bytes, perProcess }: MemoryUsage
): ReadonlyArray<number> | undefined => {
  const candidates = [...perProcess].filter(([pid]) => !session.exempt.has(pid)).sort(([, a], [, b]) => b - a)
  const victims: Array<number> = []
  let remaining = bytes
  for (const [pid, freed] of candidates) {
    victims.push(pid)
    remaining -= freed
    if (remaining <= killUntil * session.limitBytes) return victims
  }
  return undefined
}

const enforce = async (session: WatchedSession, usage: MemoryUsage): Promise<void> => {
  if (usage.descriptors > maxDescriptors) return session.end(`it has more than ${maxDescriptors} open files`)
  if (usage.bytes <= session.limitBytes) return
  const victims = chooseVictims(session, usage)
  session.oomKills += 1
  if (victims === undefined) return session.end("its files and processes exceed the limit on its memory")
  victims.forEach(kill)
  await exited(victims)
}

/** Polls again after a quarter of the time until the limit at the current growth; without growth, ever more rarely. */
const schedule = (session: WatchedSession, usedBytes: number): void => {
  const now = performance.now()
  const growth = (usedBytes - session.usedBytes) / (now - session.polledAt)
  const backoff = Math.min(
    2 * Math.max(session.intervalMs, tickMs),
    usedBytes > session.limitBytes / 2 ? maxIntervalNearLimitMs : maxIntervalMs
  )
  const untilLimit = growth > 0 ? (session.limitBytes - usedBytes) / growth / 4 : Infinity
  session.intervalMs = Math.max(minIntervalMs, Math.min(backoff, untilLimit))
  session.usedBytes = usedBytes
  session.polledAt = now
  session.dueAt = now + session.intervalMs
}

const poll = async (session: WatchedSession): Promise<void> => {
  const pids = processTree(session.pid)
  const files = { pid: pids[1], tmpfsMounts: session.tmpfsMounts }
  const { bytes: estimate, threads } = await estimateUsage(files, pids)
  if (session.processes !== undefined && threads > session.processes) {
    return session.end(`it has more than ${session.processes} processes and threads`)
  }
  if (estimate < measureFrom * session.limitBytes && !session.mayHideMemory) return schedule(session, estimate)
  session.mayHideMemory = false
  const usage = await measureUsage(files, pids)
  await enforce(session, usage)
  schedule(session, usage.bytes)
}

type Drop = "none" | "memory" | "shared memory"

/** Tells when the machine has got more processes since it told that last: an eighth of what a session may have. */
const makeGrowthDetector = () => {
  let before = machineThreads()
  return (sessions: Iterable<WatchedSession>): boolean => {
    const least = [...sessions].reduce((all, { processes = Infinity }) => Math.min(all, processes), Infinity)
    if (least === Infinity) return false
    const now = machineThreads()
    const isGrowth = now - before > least / 8
    before = isGrowth ? now : Math.min(before, now)
    return isGrowth
  }
}

/**
 * Tells when the machine has lost memory since all sessions were last polled: an eighth of what the session nearest to its
 * limit has left, at least 16 MiB.
 */
const makeDropDetector = () => {
  let before = machineMemory()
  return (sessions: Iterable<WatchedSession>): Drop => {
    const now = machineMemory()
    const headroom = [...sessions].reduce(
      (least, { limitBytes, usedBytes }) => Math.min(least, limitBytes - usedBytes),
      Infinity
    )
    const threshold = Math.max(headroom / 8, 16 * 1024 * 1024)
    const isShared = now.shared - before.shared > threshold
    const isDrop = before.available - now.available > threshold
    if (isShared || isDrop) before = now
    else {
      before = {
        available: Math.max(before.available, now.available),
        shared: Math.min(before.shared, now.shared)
      }
    }
    return isShared ? "shared memory" : isDrop ? "memory" : "none"
  }
}

/** Time budget of one round; sessions that do not fit wait for the next. */
const roundBudgetMs = 20

/** CPU time of this process: on a busy machine much less than the time that passes. */
const cpuTimeMs = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/** Uses at most a third of one processor, whatever the sessions do. */
const pauseAfter = (busyMs: number, sessions: Iterable<WatchedSession>): number => {
  const next = [...sessions].reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity) - performance.now()
  return Math.max(minIntervalMs, Math.min(tickMs, next), 2 * busyMs)
}

/** Polls until no session is left. */
const run = async (sessions: ReadonlySet<WatchedSession>): Promise<void> => {
  const dropOf = makeDropDetector()
  const hasGrown = makeGrowthDetector()
  let pause = tickMs
  while (sessions.size > 0) {
    await delay(pause, undefined, { ref: false })
    const began = performance.now()
    const cpuBefore = cpuTimeMs()
    const drop = dropOf(sessions)
    for (const session of drop === "none" && !hasGrown(sessions) ? [] : sessions) {
      session.dueAt = 0
      session.mayHideMemory ||= drop === "shared memory"
    }
    const due = [...sessions].filter(({ dueAt }) => dueAt <= began).sort((a, b) => a.intervalMs - b.intervalMs)
    for (const session of due) {
      if (performance.now() - began > roundBudgetMs) break
      if (sessions.has(session)) await poll(session)
    }
    pause = pauseAfter(cpuTimeMs() - cpuBefore, sessions)
  }
}

const limitIn = (
  sessions: Set<WatchedSession>,
  options: Pick<WatchedSession, "limitBytes" | "processes" | "tmpfsMounts">,
  watch: () => void
) => {
  let session: WatchedSession | undefined
  const limit: MemoryLimit = {
    attach: (pid, end) => {
      const now = performance.now()
      session = {
        ...options,
        end,
        pid,
        exempt: new Set(),
        oomKills: 0,
        usedBytes: 0,
        polledAt: now,
        intervalMs: tickMs,
        dueAt: now,
        mayHideMemory: false
      }
    },
    enforced: Effect.sync(() => {
      if (session === undefined) return
      session.exempt = new Set(processTree(session.pid))
      sessions.add(session)
      watch()
    }),
    oomKills: () => session?.oomKills ?? 0
  }
  const release = Effect.sync(() => {
    if (session !== undefined) sessions.delete(session)
  })
  return { limit, release }
}

export const makeWatchdog = (): MemoryController => {
  const sessions = new Set<WatchedSession>()
  let isRunning = false
  const watch = () => {
    if (isRunning) return
    isRunning = true
    void run(sessions).finally(() => {
      isRunning = false
    })
  }
  return {
    description: "a watchdog in this process",
    countsKernelMemory: false,
    limitsProcesses: true,
    limit: (limitBytes, tmpfsMounts, processes) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => limitIn(sessions, { limitBytes, tmpfsMounts, processes }, watch)),
          ({ release }) => release
        ),
        ({ limit }) => limit
      ),
    drained: Effect.void,
    sweep: Effect.void
  }
}
