/** The live connection: comes back by itself after a loss, where it was. */
import type { ApiError } from "./api.js"
import { getJson, socketAddress } from "./api.js"

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "lost"; readonly retryAt: number }
  /** The server no longer knows the cookie of this page. */
  | { readonly state: "forgotten" }
  | { readonly state: "ended" }

export interface LiveOptions {
  /** Where the connection goes on after a loss. */
  readonly path: () => string
  /** What tells, when the socket cannot be opened, whether there is still something to connect to. */
  readonly probe: string
  readonly onMessage: (message: unknown) => void
  readonly onConnection: (connection: Connection) => void
}

const firstDelay = 500
const longestDelay = 10_000

export class Live {
  readonly #options: LiveOptions
  #socket: WebSocket | undefined
  #delay = firstDelay
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(options: LiveOptions) {
    this.#options = options
  }

  connect = (): void => {
    clearTimeout(this.#timer)
    if (this.#isOver || this.#socket !== undefined) return
    const socket = new WebSocket(socketAddress(this.#options.path()))
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      this.#delay = firstDelay
      const told: unknown = JSON.parse(data as string)
      for (const message of Array.isArray(told) ? told : [told]) this.#options.onMessage(message)
    }
    socket.onopen = () => this.#options.onConnection({ state: "live" })
    socket.onclose = () => {
      this.#socket = undefined
      if (!this.#isOver) void this.#lost()
    }
  }

  /** Nothing comes after this. */
  end(state: "ended" | "forgotten"): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#options.onConnection({ state })
  }

  async #lost(): Promise<void> {
    const delay = this.#delay * (0.75 + Math.random() / 2)
    this.#delay = Math.min(this.#delay * 2, longestDelay)
    this.#options.onConnection({ state: "lost", retryAt: Date.now() + delay })
    this.#timer = setTimeout(this.connect, delay)
    const status = await getJson(this.#options.probe).then(() => 200, (error: ApiError) => error.status)
    if (this.#isOver || this.#socket !== undefined) return
    if (status === 410) this.end("ended")
    if (status === 404) this.end("forgotten")
  }
}

/** A machine that wakes, or is online again, need not wait for the next attempt. */
export const connectOnWaking = (live: Live): void => {
  addEventListener("online", live.connect)
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && live.connect())
}
