/** A byte stream to a port inside a sandbox, as a stream of Node's. */
import * as Either from "effect/Either"
import { Duplex } from "node:stream"
import { makeReceipts, makeWindow, windowBytes } from "../agent/window.cjs"
import type { CallError, SandboxConnection, Started } from "./sandboxConnection.js"
import type { TunnelEvent } from "./sandboxProtocol.js"

type Done = (error?: Error | null) => void

/** Each direction has its window. The agent is not trusted to keep to its own: one that sends more ends its tunnel. */
class Tunnel extends Duplex {
  readonly #start: (onEvent: (event: TunnelEvent) => void, onEnd: (error: CallError | undefined) => void) => Started
  #call: Started | undefined
  #opened: Done | undefined
  #proceed: Done | undefined
  #unread = 0
  readonly #ahead = makeWindow(() => this.#resume())
  readonly #receipt = makeReceipts((taken) => this.#call?.say({ taken }))

  constructor(connection: SandboxConnection, port: number) {
    super({ allowHalfOpen: true })
    this.#start = (onTunnel, onEnd) =>
      connection.start({ op: "tunnel", port }, undefined, {
        onTunnel,
        onEnd: (end) => onEnd(Either.isLeft(end) ? end.left : undefined)
      })
  }

  /** Nothing is written before the port has answered: the agent takes no input for a call that it has not begun. */
  override _construct(opened: Done) {
    this.#opened = opened
    this.#call = this.#start((event) => this.#onEvent(event), (error) => this.#onEnd(error))
  }

  /** Called when what was pushed has been read. */
  override _read() {
    const taken = this.#unread - this.readableLength
    if (taken <= 0) return
    this.#unread -= taken
    this.#receipt(taken)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done) {
    this.#ahead.sent(chunk.length)
    this.#call?.say({}, chunk)
    if (this.#ahead.isFull() && this.#call !== undefined) this.#proceed = done
    else done()
  }

  override _final(done: Done) {
    this.#call?.say({ last: true })
    done()
  }

  override _destroy(error: Error | null, done: Done) {
    this.#call?.cancel()
    this.#call = undefined
    done(error)
  }

  #onEvent(event: TunnelEvent) {
    switch (event.event) {
      case "open":
        return this.#onOpen()
      case "data":
        this.#unread += event.body.length
        if (this.#unread > 4 * windowBytes) this.destroy(new Error("the session sent more than it was asked for"))
        else this.push(event.body)
        return
      case "end":
        return void this.push(null)
      case "taken":
        this.#ahead.used(event.bytes)
    }
  }

  #onOpen(error?: Error) {
    const opened = this.#opened
    this.#opened = undefined
    opened?.(error)
  }

  /** The port has closed both directions, or could not be reached. */
  #onEnd(error: CallError | undefined) {
    this.#call = undefined
    this.#onOpen(error)
    if (error === undefined) this.push(null)
    else this.destroy(error)
    this.#resume()
  }

  #resume() {
    const proceed = this.#proceed
    this.#proceed = undefined
    proceed?.()
  }
}

/** Connects to a port of the sandbox; what goes wrong is an error of the stream. */
export const openTunnel = (connection: SandboxConnection, port: number): Duplex => new Tunnel(connection, port)
