/**
 * One open page. What it does not read waits in a bounded queue; when that is full it is dropped, and the page gets what it has
 * missed once it reads again.
 */
import type { WebSocket } from "ws"

/** What all pages are told, made once: JSON in UTF-8. */
export interface Message {
  /** The last event that it tells. */
  readonly seq: number
  readonly bytes: Buffer
}

/** How things are, or what has changed: one message in pieces, which are made as they are sent. */
export interface Hello {
  /** The last event that it includes. */
  readonly seq: number
  readonly pieces: Iterator<string, void>
}

/** What of the queue the socket may hold, and what the queue may, in bytes. */
const socketBytes = 256 * 1024
const queueBytes = 2 * 1024 * 1024

const asText = { binary: false }

export class LivePage {
  readonly #socket: WebSocket
  readonly #hello: (since: number | undefined) => Hello
  #queue: Array<Message> = []
  #queued = 0
  /** The message that is being sent in pieces. */
  #sending: Hello["pieces"] | undefined
  #needsHello = true
  /** The last event that was sent. */
  #seq: number | undefined

  /** `hello` tells what is new since an event, or everything; `from` is the last event that the page knows. */
  constructor(socket: WebSocket, hello: (since: number | undefined) => Hello, from: number | undefined) {
    this.#socket = socket
    this.#hello = hello
    this.#seq = from
    this.#pump()
  }

  /** A message in the order of all. */
  push(message: Message): void {
    if (this.#needsHello) return
    this.#add(message)
    this.#pump()
  }

  /** A frame that tells how things are just now: left out where the page is behind. */
  pushLatest(frame: Buffer): void {
    const isBehind = this.#needsHello || this.#sending !== undefined || this.#queue.length > 0
    if (!isBehind && this.#hasRoom()) this.#socket.send(frame, asText)
  }

  /** The last frame. */
  finish(frame: string, code: number, reason: string, close: (code: number, reason: string) => void): void {
    this.#queue = []
    this.#needsHello = false
    if (this.#sending === undefined) this.#socket.send(frame)
    close(code, reason)
  }

  #add(message: Message): void {
    if (this.#queue.length > 0 && this.#queued + message.bytes.length > queueBytes) {
      this.#queue = []
      this.#queued = 0
      this.#needsHello = true
      return
    }
    this.#queue.push(message)
    this.#queued += message.bytes.length
  }

  #hasRoom(): boolean {
    return this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount < socketBytes
  }

  readonly #onSent = (): void => this.#pump()

  #pump(): void {
    while (this.#hasRoom()) {
      if (this.#sending !== undefined) {
        // Pieces may be large: others have their turn in between.
        this.#sendPiece(this.#sending)
        return
      }
      const message = this.#queue.shift()
      if (message !== undefined) {
        this.#queued -= message.bytes.length
        this.#seq = message.seq
        this.#socket.send(message.bytes, asText, this.#onSent)
      } else if (this.#needsHello) {
        this.#needsHello = false
        const { pieces, seq } = this.#hello(this.#seq)
        this.#seq = seq
        this.#sending = pieces
      } else return
    }
  }

  #sendPiece(pieces: Hello["pieces"]): void {
    const { done, value } = pieces.next()
    if (done === true) this.#sending = undefined
    this.#socket.send(value ?? "", { binary: false, fin: done === true }, () => setImmediate(this.#onSent))
  }
}
