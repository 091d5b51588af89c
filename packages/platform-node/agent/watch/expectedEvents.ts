/**
 * Changes that were observed before their inotify event arrived. The event, once it comes, must not be reported as a second
 * change.
 */

/** Longer than any event takes to arrive, also where processes wait long for their turn. One that never arrives does no harm. */
const maxDelayMs = 10_000

export type ExpectedEvents = ReturnType<typeof makeExpectedEvents>

export const makeExpectedEvents = () => {
  /** When the changes were observed, by path. */
  const times = new Map<string, ReadonlyArray<number>>()
  let isScheduled = false

  const keep = (path: string, left: ReadonlyArray<number>) => {
    if (left.length > 0) times.set(path, left)
    else times.delete(path)
  }

  const expire = () => {
    const oldest = performance.now() - maxDelayMs
    for (const [path, all] of times) keep(path, all.filter((time) => time > oldest))
    isScheduled = false
    if (times.size > 0) scheduleExpiry()
  }

  const scheduleExpiry = () => {
    if (isScheduled) return
    isScheduled = true
    setTimeout(expire, maxDelayMs).unref()
  }

  const add = (path: string) => {
    keep(path, [...(times.get(path) ?? []), performance.now()])
    scheduleExpiry()
  }

  /** `count` expected events have arrived. If none has, none is going to. */
  const arrived = (path: string, count: number) => keep(path, count === 0 ? [] : (times.get(path) ?? []).slice(count))

  return { add, arrived, count: (path: string) => times.get(path)?.length ?? 0 }
}
