/** One session as this page knows it: what the live connection has told, and what the page may do. */
import type { Entry, Message, Metrics, Session } from "../../src/internal/pageWire/contract.js"
import { getJson } from "../wire/api.js"
import { type Connection, connectOnWaking, Live } from "../wire/live.js"
import { Signal, Value } from "./store.js"
import { Timeline } from "./timeline.js"

const keptMetrics = 90

export class SessionModel {
  readonly timeline = new Timeline()
  readonly session = new Value<Session | undefined>(undefined)
  readonly connection = new Value<Connection>({ state: "connecting" })
  /** Why the session has ended, once it has. */
  readonly ended = new Value<string | undefined>(undefined)
  /** When the session ends if nothing uses it, in milliseconds of this machine's clock. */
  readonly idleEnd = new Value<number | undefined>(undefined)
  readonly metrics = new Value<ReadonlyArray<Metrics>>([])
  /** Told when something has ended that may have changed files or processes. */
  readonly changes = new Signal()
  readonly live: Live
  #seen: number | undefined

  constructor() {
    this.live = new Live({
      path: () => this.#seen === undefined ? "/api/live" : `/api/live?from=${this.#seen}`,
      probe: "/api/session",
      onMessage: (message) => this.#receive(message as Message),
      onConnection: (connection) => {
        this.connection.set(connection)
        if (connection.state === "ended" && this.ended.current === undefined) this.ended.set("")
      }
    })
  }

  start(): void {
    connectOnWaking(this.live)
    this.live.connect()
    void getJson<Session>("/api/session").then((session) => this.session.current ?? this.session.set(session), () => {})
  }

  get isSteering(): boolean {
    return this.session.current?.access === "steer" && this.ended.current === undefined &&
      this.connection.current.state !== "forgotten"
  }

  setIdle(secondsLeft: number | null): void {
    this.idleEnd.set(secondsLeft === null ? undefined : Date.now() + secondsLeft * 1000)
  }

  #receive(message: Message): void {
    if (message.type === "hello") this.#begin(message)
    else if (message.seq !== undefined && this.#seen !== undefined && message.seq <= this.#seen) return
    else this.#update(message)
    if (message.seq !== undefined) this.#seen = message.seq
  }

  #begin(hello: Extract<Message, { type: "hello" }>): void {
    this.session.set(hello.session)
    this.setIdle(hello.session.idleSecondsLeft)
    if (hello.isReset || this.#seen === undefined) this.timeline.reset(hello.entries, hello.dropped)
    else this.timeline.merge(hello.entries)
    this.changes.tell()
  }

  #update(message: Exclude<Message, { type: "hello" }>): void {
    if (message.type === "metrics") this.metrics.set([...this.metrics.current, message].slice(-keptMetrics))
    else if (message.type === "idle") this.setIdle(message.secondsLeft)
    else if (message.type === "ended") {
      this.ended.set(message.reason)
      this.live.end("ended")
    } else {
      this.timeline.apply(message)
      if (message.type === "end" || (message.type === "entry" && isOver(message.entry))) this.changes.tell()
    }
  }
}

const isOver = ({ state }: Entry): boolean => state !== "running"
