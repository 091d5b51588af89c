/** A byte stream to a port inside a sandbox, or to a program there that wants one, as a stream of Node's. */
import * as Either from "effect/Either"
import { Duplex } from "node:stream"
import { windowBytes } from "../../agentWire/window.js"
import type { CallError, SandboxConnection, Started } from "./connection.js"
import type { SandboxCall, TunnelEvent } from "./protocol.js"

export type TunnelCall = Extract<SandboxCall, { readonly op: "tunnel" | "accept" }>

export interface TunnelListener {
  /** Called at once when the call has been answered or cancelled. */
  readonly over?: (() => void) | undefined
  /** Called whenever something passes. */
  readonly onUse?: (() => void) | undefined
}

type Done = (error?: Error | null) => void

/** What to tell the other side at once, so that a stream of single bytes is not answered one by one. */
const worthTelling = windowBytes / 8

/**
 * Each side sends no more than a window ahead of what the other has used. The agent is not trusted to keep to that, or to
 * read what it is told: one that sends more, or has taken what has not even left, ends its tunnel.
 */
class Tunnel extends Duplex {
  readonly #start: (onEvent: (event: TunnelEvent) => void, onEnd: (error: CallError | undefined) => void) => Started
  readonly #over: () => void
  readonly #onUse: () => void
  #call: Started | undefined
  #opened: Done | undefined
  #proceed: Done | undefined
  #received = 0
  #untold = 0
  #isTelling = false
  #ahead = 0
  #left = 0

  constructor(connection: SandboxConnection, call: TunnelCall, { over = () => {}, onUse = () => {} }: TunnelListener) {
    super({ allowHalfOpen: true })
    this.#over = over
    this.#onUse = onUse
    this.#start = (onTunnel, onEnd) =>
      connection.start(call, undefined, {
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
    const taken = this.#received - this.#untold - this.readableLength
    if (taken > 0) this.#untold += taken
    this.#tell()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done) {
    this.#onUse()
    this.#ahead += chunk.length
    this.#call?.say({}, chunk, () => {
      this.#left += chunk.length
    })
    if (this.#ahead < windowBytes || this.#call === undefined) done()
    else this.#proceed = done
  }

  override _final(done: Done) {
    this.#call?.say({ last: true })
    done()
  }

  override _destroy(error: Error | null, done: Done) {
    const call = this.#call
    this.#call = undefined
    call?.cancel()
    if (call !== undefined) this.#over()
    done(error)
  }

  #onEvent(event: TunnelEvent) {
    switch (event.event) {
      case "open":
        return this.#onOpen()
      case "data":
        this.#onUse()
        this.#received += event.body.length
        if (this.#received > 2 * windowBytes) this.destroy(new Error("the session sent more than it was asked for"))
        else this.push(event.body)
        return
      case "end":
        return void this.push(null)
      case "taken":
        return this.#onTaken(event.bytes)
    }
  }

  #onTaken(bytes: number) {
    if (bytes > this.#left) return void this.destroy(new Error("the session has taken more than it was given"))
    this.#left -= bytes
    this.#ahead -= bytes
    if (this.#ahead < windowBytes) this.#resume()
  }

  /** One word at a time: what comes while it waits to leave is part of the next. */
  #tell() {
    if (this.#isTelling || this.#untold < worthTelling) return
    const taken = this.#untold
    this.#isTelling = true
    this.#call?.say({ taken }, undefined, () => {
      this.#isTelling = false
      this.#untold -= taken
      this.#received -= taken
      this.#tell()
    })
  }

  #onOpen(error?: Error) {
    const opened = this.#opened
    this.#opened = undefined
    opened?.(error)
  }

  /** The port has closed both directions, or could not be reached. */
  #onEnd(error: CallError | undefined) {
    this.#call = undefined
    this.#over()
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

/** Begins a call that carries bytes both ways; what goes wrong is an error of the stream. */
export const openTunnel = (connection: SandboxConnection, call: TunnelCall, listener: TunnelListener = {}): Duplex =>
  new Tunnel(connection, call, listener)
