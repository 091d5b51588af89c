/**
 * One WebSocket per session. A text frame every 20 seconds keeps it alive; what is lost is made anew, first after half a
 * second and then ever later, until it is closed; nothing is sent again.
 */
import { randomUUID } from "node:crypto"
import { WebSocket } from "ws"
import { isRecord, type Json } from "./api.js"

export type State = "RECONNECTING" | "OPEN" | "CLOSED"

class StreamFailed extends Error {
  override readonly name: string

  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

interface Pending {
  readonly onData: (data: Json) => void
  readonly fail: (error: Error) => void
}

export interface Handle {
  readonly invocationId: string
  readonly waitEnd: () => Promise<Json>
  readonly write: (data: Json) => void
  /** Nothing is sent: the code goes on. */
  readonly cancel: () => void
}

const longestPause = 5000

export class Stream {
  readonly states: Array<State> = []
  readonly unclaimed: Array<Json> = []
  private readonly pending = new Map<string, Pending>()
  private socket: WebSocket | undefined
  private closing = false
  private pause = 500
  private beat: NodeJS.Timeout | undefined
  readonly opened: Promise<void>

  private readonly url: string
  private readonly token: string
  private readonly heartbeatMs: number

  constructor(url: string, token: string, heartbeatMs = 20_000) {
    this.url = url
    this.token = token
    this.heartbeatMs = heartbeatMs
    this.opened = new Promise((resolve, reject) => this.connect(resolve, reject))
  }

  private connect(opened: () => void, failed: (error: Error) => void): void {
    this.states.push("RECONNECTING")
    const socket = new WebSocket(this.url, { headers: { "X-Access-Token": this.token } })
    this.socket = socket
    socket.on("open", () => {
      this.states.push("OPEN")
      this.pause = 500
      this.beat = setInterval(() => socket.send(JSON.stringify({ type: "ping" })), this.heartbeatMs)
      opened()
    })
    socket.on("message", (text: Buffer) => this.dispatch(text.toString()))
    socket.on("error", (error) => failed(new StreamFailed("WsHandshakeRejectedError", error.message)))
    socket.on("close", (code) => this.lost(code))
  }

  private lost(code: number): void {
    clearInterval(this.beat)
    if (this.states.at(-1) === "OPEN") this.states.push("CLOSED")
    const error = new StreamFailed("WsConnectionClosedError", `connection closed: code=${code}`)
    for (const call of this.pending.values()) call.fail(error)
    this.pending.clear()
    if (this.closing || !this.states.includes("OPEN")) return
    setTimeout(() => this.closing || this.connect(() => undefined, () => undefined), this.pause + Math.random() * 100)
    this.pause = Math.min(this.pause * 1.5, longestPause)
  }

  private dispatch(text: string): void {
    const frame: unknown = JSON.parse(text)
    if (!isRecord(frame)) return
    const id = String(frame["invocationId"] ?? frame["requestId"] ?? "")
    const call = this.pending.get(id)
    const data: unknown = typeof frame["data"] === "string" ? JSON.parse(frame["data"]) : frame["data"]
    if (call === undefined) this.unclaimed.push(frame)
    else if (isRecord(data)) call.onData(data)
    else call.fail(new StreamFailed("WsProtocolError", "data is neither an object nor the text of one"))
  }

  send(target: string, data: Json, invocationId = randomUUID().replaceAll("-", "")): string {
    this.socket?.send(JSON.stringify({ invocationId, source: "SDK", target, data }))
    return invocationId
  }

  callStream(target: string, data: Json, onEvent: (data: Json) => void): Handle {
    const invocationId = randomUUID().replaceAll("-", "")
    let [resolve, reject]: [(data: Json) => void, (error: Error) => void] = [() => undefined, () => undefined]
    const promise = new Promise<Json>((...settlers) => [resolve, reject] = settlers)
    promise.catch(() => undefined)
    const settle = (act: () => void) => {
      this.pending.delete(invocationId)
      act()
    }
    const fail = (name: string, message: string) => settle(() => reject(new StreamFailed(name, message)))
    const onData = (data: Json) => {
      if (typeof data["error"] === "string" && data["error"] !== "") return fail("WsRemoteError", JSON.stringify(data))
      if (data["phase"] === "event") return onEvent(data)
      if (data["phase"] === "end") return settle(() => resolve(data))
      if (data["phase"] === "error") return fail("WsRemoteError", JSON.stringify(data))
      return fail("WsProtocolError", `WS message without a known phase: ${JSON.stringify(data)}`)
    }
    this.pending.set(invocationId, { onData, fail: reject })
    this.send(target, data, invocationId)
    return {
      invocationId,
      waitEnd: () => promise,
      write: (more) => void this.send(target, more, invocationId),
      cancel: () => fail("WsCancelledError", `Stream ${invocationId} was cancelled by caller`)
    }
  }

  /** What a network does that goes away: no farewell. */
  lose(): void {
    this.socket?.terminate()
  }

  close(): void {
    this.closing = true
    this.socket?.close()
  }
}
