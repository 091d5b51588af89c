/**
 * One open page. What it does not read waits in a bounded queue; when that is full it is dropped, and the page gets everything
 * anew once it reads again.
 */
import type { WebSocket } from "ws"

/** The beginning of a stream of frames: one message in pieces, which are made as they are sent. */
export type Hello = Iterator<string, void>

/** What of the queue the socket may hold, and what the queue may, in characters. */
const socketLength = 256 * 1024
const queueLength = 2 * 1024 * 1024
const queueFrames = 10_000

export class LivePage {
  readonly #socket: WebSocket
  readonly #hello: () => Hello
  #queue: Array<string> = []
  #queued = 0
  /** The message that is being sent in pieces. */
  #sending: Hello | undefined
  #needsHello: boolean

  /** `hello` begins with everything; `first` are the frames for a page that goes on. */
  constructor(socket: WebSocket, hello: () => Hello, first?: ReadonlyArray<string>) {
    this.#socket = socket
    this.#hello = hello
    this.#needsHello = first === undefined
    for (const frame of first ?? []) this.#add(frame)
    this.#pump()
  }

  /** A frame in the order of all. */
  push(frame: string): void {
    if (this.#needsHello) return
    this.#add(frame)
    this.#pump()
  }

  /** A frame that tells how things are just now: left out where the page is behind. */
  pushLatest(frame: string): void {
    if (!this.#needsHello && this.#sending === undefined && this.#queue.length === 0) this.push(frame)
  }

  /** The last frame. */
  finish(frame: string, code: number, reason: string, close: (code: number, reason: string) => void): void {
    this.#queue = []
    this.#needsHello = false
    if (this.#sending === undefined) this.#socket.send(frame)
    close(code, reason)
  }

  #add(frame: string): void {
    const isFull = this.#queue.length > 0 && this.#queued + frame.length > queueLength ||
      this.#queue.length >= queueFrames
    if (isFull) {
      this.#queue = []
      this.#queued = 0
      this.#needsHello = true
      return
    }
    this.#queue.push(frame)
    this.#queued += frame.length
  }

  #hasRoom(): boolean {
    return this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount < socketLength
  }

  readonly #onSent = (): void => this.#pump()

  #pump(): void {
    while (this.#hasRoom()) {
      if (this.#sending !== undefined) {
        // Pieces may be large: others have their turn in between.
        this.#sendPiece(this.#sending)
        return
      }
      const frame = this.#queue.shift()
      if (frame !== undefined) {
        this.#queued -= frame.length
        this.#socket.send(frame, this.#onSent)
      } else if (this.#needsHello) {
        this.#needsHello = false
        this.#sending = this.#hello()
      } else return
    }
  }

  #sendPiece(hello: Hello): void {
    const { done, value } = hello.next()
    if (done === true) this.#sending = undefined
    this.#socket.send(value ?? "", { binary: false, fin: done === true }, () => setImmediate(this.#onSent))
  }
}
