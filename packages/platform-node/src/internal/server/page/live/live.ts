/** Tells the open pages of a session what happens in it. Nothing here runs while no page is open. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { WebSocket } from "ws"
import type { Access, Message, Metrics, Session } from "../../../pageWire/contract.js"
import { close, closeCodes } from "../../http/webSockets.js"
import type { LocalSession } from "../../sessions/localSession.js"
import type { Contents } from "../../timeline/entry.js"
import { Recording } from "../../timeline/recording.js"
import { isHeavy, type KeptReply } from "../../timeline/replies.js"
import type { TimelineEvent } from "../../timeline/timeline.js"
import { Batch } from "./batch.js"
import { entryJson, partFrame } from "./liveFrames.js"
import { type Hello, LivePage } from "./livePage.js"

/** How long what happens is collected before all pages are told at once, in milliseconds. */
const batchMs = 40

/** A flood is told earlier; in characters. */
const batchLength = 256 * 1024

const metricsMs = 2000
const idleMs = 5000
const jumpMs = 500

export interface LiveOptions {
  readonly session: LocalSession
  /** The `session` of a hello. */
  readonly describe: (access: Access) => Session
  readonly secondsLeft: () => number
  readonly readMetrics: () => Promise<Metrics | undefined>
  /** Reads a reply without the event loop. */
  readonly readReply: (reply: KeptReply) => Promise<Contents>
}

/** The pages of one session. */
export class Live {
  readonly #options: LiveOptions
  readonly #sockets = new Map<LivePage, WebSocket>()
  readonly #batch = new Batch()
  readonly #beingRead = new Set<Recording>()
  #batchTimer: NodeJS.Timeout | undefined
  #timers: Array<NodeJS.Timeout> = []
  #jump: NodeJS.Timeout | undefined
  #unwatch = (): void => {}
  #isReading = false

  constructor(options: LiveOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sockets.size
  }

  /** Another page. One that goes on after the event `from` is told what it has missed. */
  add(socket: WebSocket, access: Access, from: number | undefined): void {
    if (this.size === 0) this.#start()
    const page = new LivePage(socket, (since) => this.#hello(access, since), from)
    this.#sockets.set(page, socket)
    socket.once("close", () => this.#remove(page))
    void this.#tellMetrics()
    this.#tellIdle()
  }

  /** The session has ended. */
  end(reason: string): void {
    this.#flush()
    const frame = JSON.stringify({ type: "ended", reason } satisfies Message)
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

  #start(): void {
    this.#unwatch = this.#options.session.timeline.watch((event) => this.#onEvent(event))
    this.#timers = [
      setInterval(() => void this.#tellMetrics(), metricsMs).unref(),
      setInterval(() => this.#tellIdle(), idleMs).unref()
    ]
  }

  #stop(): void {
    this.#unwatch()
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#jump)
    clearTimeout(this.#batchTimer)
    this.#jump = this.#batchTimer = undefined
    this.#batch.take()
  }

  #remove(page: LivePage): void {
    this.#sockets.delete(page)
    if (this.size === 0) this.#stop()
  }

  /** A run waits for this. */
  #onEvent(event: TimelineEvent): void {
    this.#batch.add(event)
    if (this.#batch.length > batchLength) this.#flush()
    else this.#batchTimer ??= setTimeout(() => this.#flush(), batchMs).unref()
    if (event.type === "entry" || event.type === "end") {
      this.#jump ??= setTimeout(() => {
        this.#jump = undefined
        this.#tellIdle()
      }, jumpMs).unref()
    }
  }

  /** Tells all pages what has been collected. */
  #flush(): void {
    clearTimeout(this.#batchTimer)
    this.#batchTimer = undefined
    const parts = this.#batch.take()
    const last = parts.at(-1)
    if (last === undefined) return
    const { timeline } = this.#options.session
    const bytes = Buffer.from(`[${parts.map((part) => partFrame(part, timeline)).join(",")}]`)
    for (const page of this.#sockets.keys()) page.push({ seq: last.seq, bytes })
    for (const { recording, type } of parts) if (type === "end") this.#readIfHeavy(recording)
  }

  /** What is new since an event, or everything that is kept. What happens later is told after it. */
  #hello(access: Access, since: number | undefined): Hello {
    this.#flush()
    const { timeline } = this.#options.session
    const changed = since === undefined ? undefined : timeline.changedSince(since)
    const isReset = changed === undefined
    return { seq: timeline.seq, pieces: this.#pieces(access, isReset, changed ?? timeline.recordings) }
  }

  /** Entry by entry: as it was when the first piece was made. */
  *#pieces(access: Access, isReset: boolean, recordings: ReadonlyArray<Recording>): Hello["pieces"] {
    const { describe, session: { timeline } } = this.#options
    const { dropped, seq } = timeline
    // An entry that has ended does not change any more.
    const entries = recordings.map((recording) => recording.isRunning ? recording.view() : recording)
    yield `{"type":"hello","seq":${seq},"isReset":${isReset},"dropped":${dropped},"session":${
      JSON.stringify(describe(access))
    },"entries":[`
    let separator = ""
    for (const entry of entries) {
      if (entry instanceof Recording && !this.#readIfHeavy(entry)) timeline.read(entry)
      yield separator + entryJson(entry instanceof Recording ? entry.view() : entry)
      separator = ","
    }
    yield "]}"
  }

  /** Such a reply is not told with its entry: once it is read, the entry is told again. */
  #readIfHeavy(recording: Recording): boolean {
    const { readReply, session: { timeline } } = this.#options
    const { reply } = recording
    if (reply === undefined || !isHeavy(reply)) return false
    if (this.#beingRead.has(recording)) return true
    this.#beingRead.add(recording)
    void readReply(reply).catch(() => undefined).then((contents) => {
      this.#beingRead.delete(recording)
      timeline.readAs(recording, contents)
    })
    return true
  }

  #tellLatest(message: Message): void {
    const frame = Buffer.from(JSON.stringify(message))
    for (const page of this.#sockets.keys()) page.pushLatest(frame)
  }

  #tellIdle(): void {
    this.#tellLatest({ type: "idle", secondsLeft: this.#options.secondsLeft() })
  }

  /** One at a time. */
  async #tellMetrics(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    const metrics = await this.#options.readMetrics()
    this.#isReading = false
    if (metrics !== undefined) this.#tellLatest({ type: "metrics", ...metrics })
  }
}

/** The pages of all sessions. */
export class LiveSessions {
  readonly #lives = new Map<LocalSession, Live>()

  /** How many pages a session has open. */
  size(session: LocalSession): number {
    return this.#lives.get(session)?.size ?? 0
  }

  /** For the life of the session. */
  of(session: LocalSession, options: (session: LocalSession) => Omit<LiveOptions, "session">): Effect.Effect<Live> {
    return Effect.suspend(() => {
      const known = this.#lives.get(session)
      if (known !== undefined) return Effect.succeed(known)
      const live = new Live({ ...options(session), session })
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
