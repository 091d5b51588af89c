/** Tells the open pages of a session what happens in it. Nothing here runs while no page is open. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { WebSocket } from "ws"
import { close, closeCodes } from "../../http/webSockets.js"
import type { LocalSession } from "../../sessions/localSession.js"
import { Recording } from "../../timeline/recording.js"
import type { TimelineEvent } from "../../timeline/timeline.js"
import { entryJson, eventFrame } from "./liveFrames.js"
import { type Hello, LivePage } from "./livePage.js"

/** What was told lately, for pages that have lost their connection; in characters. */
const recentLength = 4 * 1024 * 1024

/** How long it is kept on after the last page was closed, in milliseconds. */
const lingerMs = 30_000

const metricsMs = 2000
const idleMs = 5000
const jumpMs = 500

export interface LiveOptions {
  readonly session: LocalSession
  /** The `session` of a hello. */
  readonly describe: (access: "read" | "steer") => object
  readonly secondsLeft: () => number
  readonly readMetrics: () => Promise<object | undefined>
  readonly onIdle: () => void
}

interface Frame {
  readonly seq: number
  readonly text: string
}

/** The pages of one session, from the first until a while after the last. */
export class Live {
  readonly #options: LiveOptions
  readonly #pages = new Set<LivePage>()
  readonly #sockets = new Map<LivePage, WebSocket>()
  #recent: Array<Frame> = []
  #recentLength = 0
  #unwatch: () => void
  #timers: Array<NodeJS.Timeout> = []
  #linger: NodeJS.Timeout | undefined
  #jump: NodeJS.Timeout | undefined
  #isReading = false

  constructor(options: LiveOptions) {
    this.#options = options
    this.#unwatch = options.session.timeline.watch((event) => this.#onEvent(event))
  }

  get size(): number {
    return this.#pages.size
  }

  /** Another page. One that goes on after `from` gets what it has missed, if that is still known. */
  add(socket: WebSocket, access: "read" | "steer", from: number | undefined): void {
    clearTimeout(this.#linger)
    const missed = from === undefined ? undefined : this.#since(from)
    const hello = () => this.#hello(access)
    const page = new LivePage(
      socket,
      hello,
      missed && from !== undefined ? [this.#continuation(access, from), ...missed] : undefined
    )
    this.#pages.add(page)
    this.#sockets.set(page, socket)
    if (this.#pages.size === 1) this.#startTimers()
    socket.once("close", () => this.#remove(page))
    void this.#tellMetrics()
    this.#tellIdle()
  }

  /** The session has ended. */
  end(reason: string): void {
    const frame = JSON.stringify({ type: "ended", reason })
    for (const [page, socket] of this.#sockets) {
      page.finish(frame, closeCodes.normal, "", (code, reason) => close(socket, code, reason))
    }
    this.#stop()
  }

  /** The server stops. */
  closeAll(): void {
    for (const socket of this.#sockets.values()) close(socket, closeCodes.goingAway, "the server is about to end")
    this.#stop()
  }

  #stop(): void {
    this.#unwatch()
    this.#stopTimers()
    clearTimeout(this.#linger)
    clearTimeout(this.#jump)
    this.#recent = []
  }

  #remove(page: LivePage): void {
    this.#pages.delete(page)
    this.#sockets.delete(page)
    if (this.#pages.size > 0) return
    this.#stopTimers()
    this.#linger = setTimeout(() => {
      this.#stop()
      this.#options.onIdle()
    }, lingerMs).unref()
  }

  #startTimers(): void {
    this.#timers = [
      setInterval(() => void this.#tellMetrics(), metricsMs).unref(),
      setInterval(() => this.#tellIdle(), idleMs).unref()
    ]
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  #onEvent(event: TimelineEvent): void {
    const text = eventFrame(event, this.#options.session.timeline)
    this.#recent.push({ seq: event.seq, text })
    this.#recentLength += text.length
    while (this.#recentLength > recentLength) this.#recentLength -= this.#recent.shift()?.text.length ?? 0
    for (const page of this.#pages) page.push(text)
    if (event.type === "entry" || event.type === "end") {
      this.#jump ??= setTimeout(() => {
        this.#jump = undefined
        this.#tellIdle()
      }, jumpMs).unref()
    }
  }

  /** What was told after a frame; undefined where not all of it is known. */
  #since(from: number): ReadonlyArray<string> | undefined {
    const { seq } = this.#options.session.timeline
    if (from > seq) return undefined
    if (from === seq) return []
    const isComplete = (this.#recent[0]?.seq ?? Infinity) <= from + 1
    return isComplete ? this.#recent.filter((frame) => frame.seq > from).map(({ text }) => text) : undefined
  }

  #continuation(access: "read" | "steer", seq: number): string {
    const { describe, session: { timeline: { dropped } } } = this.#options
    return JSON.stringify({
      type: "hello",
      seq,
      session: describe(access),
      entries: [],
      isReset: false,
      dropped
    })
  }

  /** Everything that is kept, entry by entry: as it was when the first piece was made. */
  *#hello(access: "read" | "steer"): Hello {
    const { describe, session: { timeline } } = this.#options
    const { dropped, seq } = timeline
    // An entry that has ended does not change any more.
    const entries = timeline.recordings.map((recording) => recording.isRunning ? recording.view() : recording)
    yield `{"type":"hello","seq":${seq},"isReset":true,"dropped":${dropped},"session":${
      JSON.stringify(describe(access))
    },"entries":[`
    let separator = ""
    for (const entry of entries) {
      if (entry instanceof Recording) timeline.read(entry)
      yield separator + entryJson(entry instanceof Recording ? entry.view() : entry)
      separator = ","
    }
    yield "]}"
  }

  #tellIdle(): void {
    const frame = JSON.stringify({ type: "idle", secondsLeft: this.#options.secondsLeft() })
    for (const page of this.#pages) page.pushLatest(frame)
  }

  /** One at a time. */
  async #tellMetrics(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    const metrics = await this.#options.readMetrics()
    this.#isReading = false
    if (metrics === undefined) return
    const frame = JSON.stringify({ type: "metrics", ...metrics })
    for (const page of this.#pages) page.pushLatest(frame)
  }
}

/** The pages of all sessions. */
export class LiveSessions {
  readonly #lives = new Map<LocalSession, Live>()

  /** How many pages a session has open. */
  size(session: LocalSession): number {
    return this.#lives.get(session)?.size ?? 0
  }

  of(
    session: LocalSession,
    options: (session: LocalSession) => Omit<LiveOptions, "session" | "onIdle">
  ): Effect.Effect<Live> {
    return Effect.suspend(() => {
      const known = this.#lives.get(session)
      if (known !== undefined) return Effect.succeed(known)
      const live = new Live({ ...options(session), session, onIdle: () => void this.#lives.delete(session) })
      this.#lives.set(session, live)
      const end = Effect.sync(() => {
        this.#lives.delete(session)
        live.end(session.endReason ?? "it has ended")
      })
      return Effect.as(Scope.addFinalizer(session.scope, end), live)
    })
  }

  closeAll(): void {
    for (const live of this.#lives.values()) live.closeAll()
  }
}
