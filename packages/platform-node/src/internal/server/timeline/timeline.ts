/**
 * The timeline of a session: what has run in it, bounded in memory. It is kept whether or not a page is open; replies are read,
 * and what happens is told, only while somebody watches.
 */
import type { Beginning, Contents, Origin, Outcome, Stream } from "./entry.js"
import { Recording, type StoredResult } from "./recording.js"
import type { KeptReply } from "./replies.js"
import { maxEntries, maxRuntimeBytes, maxSessionBytes, minSessionBytes } from "./timelineLimits.js"

export type { Recording } from "./recording.js"

/** Told at once, one after the other, with increasing numbers. */
export type TimelineEvent =
  & { readonly seq: number }
  & (
    | { readonly type: "entry" | "end"; readonly recording: Recording }
    | { readonly type: "output"; readonly recording: Recording; readonly stream: Stream; readonly text: string }
    | { readonly type: "result"; readonly recording: Recording; readonly result: StoredResult }
  )

type Told = TimelineEvent extends infer Event ? Event extends TimelineEvent ? Omit<Event, "seq"> : never : never

/** The memory that all timelines of a runtime share. */
export class TimelineBudget {
  readonly #timelines = new Set<Timeline>()

  add(timeline: Timeline): void {
    this.#timelines.add(timeline)
    const share = this.share
    if (share === maxSessionBytes) return
    for (const other of this.#timelines) other.trim(share)
  }

  remove(timeline: Timeline): void {
    this.#timelines.delete(timeline)
  }

  /** What each may hold. */
  get share(): number {
    return Math.max(minSessionBytes, Math.min(maxSessionBytes, maxRuntimeBytes / Math.max(1, this.#timelines.size)))
  }
}

export class Timeline {
  readonly #budget: TimelineBudget
  readonly #recordings: Array<Recording> = []
  readonly #watchers = new Set<(event: TimelineEvent) => void>()
  #bytes = 0
  #dropped = 0
  #droppedSeq = 0
  #last = 0
  #seq = 0
  #running = 0

  constructor(budget: TimelineBudget) {
    this.#budget = budget
    budget.add(this)
  }

  /** Whether what happens is told to anybody. */
  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  /** Entries that have not ended. */
  get running(): number {
    return this.#running
  }

  get seq(): number {
    return this.#seq
  }

  /** How many entries were forgotten. */
  get dropped(): number {
    return this.#dropped
  }

  get recordings(): ReadonlyArray<Recording> {
    return this.#recordings
  }

  /** What has begun or changed after an event; `undefined` where some of that is forgotten, or the event is not of this timeline. */
  changedSince(seq: number): ReadonlyArray<Recording> | undefined {
    if (seq > this.#seq || seq < this.#droppedSeq) return undefined
    return this.#recordings.filter((recording) => recording.seq > seq)
  }

  /** Tells what happens from now on, until the result is called. */
  watch(watcher: (event: TimelineEvent) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  begin(begun: Beginning, origin: Origin, now: number): Recording {
    const recording = new Recording(`e${this.#last += 1}`, begun, origin, now)
    this.#recordings.push(recording)
    this.#running += 1
    this.#bytes += recording.bytes
    this.#trimIfFull()
    this.#tell({ type: "entry", recording })
    return recording
  }

  output(recording: Recording, stream: Stream, text: string): void {
    if (!recording.isRunning || text === "") return
    this.#change(recording, () => recording.addOutput(stream, text))
    this.#tell({ type: "output", recording, stream, text })
  }

  /** `bytes` is the size of the result. */
  result(recording: Recording, result: StoredResult, bytes: number): void {
    if (!recording.isRunning) return
    const kept = this.#change(recording, () => recording.addResult(result, bytes))
    this.#tell({ type: "result", recording, result: kept })
  }

  end(recording: Recording, outcome: Outcome, now: number): void {
    this.#end(recording, () => recording.end(outcome, now - recording.startedAt))
  }

  endWith(recording: Recording, reply: KeptReply, now: number): void {
    this.#end(recording, () => recording.endWith(reply, now - recording.startedAt))
  }

  /** Reads the reply of an entry. */
  read(recording: Recording): void {
    this.#change(recording, () => recording.read())
  }

  /** Its reply was read elsewhere: the entry is told anew. */
  readAs(recording: Recording, contents: Contents | undefined): void {
    this.#change(recording, () => recording.read(contents))
    this.#tell({ type: "entry", recording })
  }

  find(id: string): Recording | undefined {
    return this.#recordings.find((recording) => recording.id === id)
  }

  /** Forgets the oldest entries that have ended, until the rest is within the limit. */
  trim(limit: number): void {
    let at = 0
    while (at < this.#recordings.length - 1 && (this.#bytes > limit || this.#recordings.length > maxEntries)) {
      const recording = this.#recordings[at]
      if (recording === undefined || recording.isRunning) {
        at += 1
        continue
      }
      this.#recordings.splice(at, 1)
      this.#bytes -= recording.bytes
      this.#dropped += 1
      this.#droppedSeq = Math.max(this.#droppedSeq, recording.seq)
    }
  }

  /** The session has ended. */
  close(): void {
    this.#budget.remove(this)
    this.#watchers.clear()
    this.#recordings.length = 0
    this.#bytes = 0
  }

  #end(recording: Recording, finish: () => void): void {
    if (!recording.isRunning) return
    this.#change(recording, finish)
    this.#running -= 1
    this.#tell({ type: "end", recording })
  }

  #change<A>(recording: Recording, change: () => A): A {
    const before = recording.bytes
    const changed = change()
    // One that was forgotten is not counted any more.
    if (this.#recordings.lastIndexOf(recording) !== -1) {
      this.#bytes += recording.bytes - before
      this.#trimIfFull()
    }
    return changed
  }

  #trimIfFull(): void {
    const { share } = this.#budget
    if (this.#bytes > share || this.#recordings.length > maxEntries) this.trim(share)
  }

  #tell(event: Told): void {
    event.recording.seq = this.#seq += 1
    for (const watcher of this.#watchers) watcher({ ...event, seq: this.#seq })
  }
}
