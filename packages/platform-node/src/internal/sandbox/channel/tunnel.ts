/** A byte stream to a port inside a sandbox, or to a program there that asked for a connection, as a Node `Duplex`. */
import * as Either from "effect/Either"
import { Duplex } from "node:stream"
import { windowBytes } from "../../agentWire/window.js"
import type { CallError, RunningCall, SandboxConnection } from "./connection.js"
import type { SandboxCall, TunnelEvent } from "./protocol.js"

export type TunnelCall = Extract<SandboxCall, { readonly op: "tunnel" | "accept" }>

export interface TunnelListener {
  /** Called synchronously when the call has been answered or cancelled. */
  readonly onClose?: (() => void) | undefined
  /** Called whenever bytes pass. */
  readonly onUse?: (() => void) | undefined
}

type Done = (error?: Error | null) => void

/** Bytes acknowledged at once, so that a stream of single bytes is not acknowledged one by one. */
const acknowledgedAtOnce = windowBytes / 8

/**
 * Flow control: each side sends at most a window ahead of what the other has acknowledged. The agent is not trusted to
 * comply: a tunnel on which it sends more, or acknowledges more than was sent, is destroyed.
 */
class Tunnel extends Duplex {
  readonly #start: (onEvent: (event: TunnelEvent) => void, onEnd: (error: CallError | undefined) => void) => RunningCall
  readonly #onClose: () => void
  readonly #onUse: () => void
  #call: RunningCall | undefined
  #opened: Done | undefined
  #proceed: Done | undefined
  /** Bytes received but not acknowledged yet. */
  #received = 0
  /** The part of them that has been read. */
  #unacknowledged = 0
  #isAcknowledging = false
  /** Bytes that the agent has not acknowledged. */
  #ahead = 0
  /** The part of them that has been written to the pipe. */
  #sent = 0
  constructor(
    connection: SandboxConnection,
    call: TunnelCall,
    { onClose = () => {}, onUse = () => {} }: TunnelListener
  ) {
    super({ allowHalfOpen: true })
    this.#onClose = onClose
    this.#onUse = onUse
    this.#start = (onTunnel, onEnd) =>
      connection.start(call, undefined, {
        onTunnel,
        onEnd: (end) => onEnd(Either.isLeft(end) ? end.left : undefined)
      })
  }

  /** Completes once the port is connected: the agent accepts no input before. */
  override _construct(opened: Done) {
    this.#opened = opened
    this.#call = this.#start((event) => this.#onEvent(event), (error) => this.#onEnd(error))
  }

  /** Called when what was pushed has been read. */
  override _read() {
    const read = this.#received - this.#unacknowledged - this.readableLength
    if (read > 0) this.#unacknowledged += read
    this.#acknowledge()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done) {
    this.#onUse()
    this.#ahead += chunk.length
    this.#call?.send({}, chunk, () => {
      this.#sent += chunk.length
    })
    if (this.#ahead < windowBytes || this.#call === undefined) done()
    else this.#proceed = done
  }

  override _final(done: Done) {
    this.#call?.send({ last: true })
    done()
  }

  override _destroy(error: Error | null, done: Done) {
    const call = this.#call
    this.#call = undefined
    call?.cancel()
    if (call !== undefined) this.#onClose()
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
      case "consumed":
        return this.#onTaken(event.bytes)
    }
  }

  #onTaken(bytes: number) {
    if (bytes > this.#sent) return void this.destroy(new Error("the session has consumed more than it was given"))
    this.#sent -= bytes
    this.#ahead -= bytes
    if (this.#ahead < windowBytes) this.#resume()
  }

  /** One acknowledgement at a time; bytes read meanwhile go into the next. */
  #acknowledge() {
    if (this.#isAcknowledging || this.#unacknowledged < acknowledgedAtOnce) return
    const consumed = this.#unacknowledged
    this.#isAcknowledging = true
    this.#call?.send({ consumed }, undefined, () => {
      this.#isAcknowledging = false
      this.#unacknowledged -= consumed
      this.#received -= consumed
      this.#acknowledge()
    })
  }

  #onOpen(error?: Error) {
    const opened = this.#opened
    this.#opened = undefined
    if (opened !== undefined && error === undefined) this.emit("connect")
    opened?.(error)
  }

  /** The port has closed both directions, or could not be connected to. */
  #onEnd(error: CallError | undefined) {
    this.#call = undefined
    this.#onClose()
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

/** Opens a tunnel, which emits `connect` once the port is connected; failures are errors of the stream. */
export const openTunnel = (connection: SandboxConnection, call: TunnelCall, listener: TunnelListener = {}): Duplex =>
  new Tunnel(connection, call, listener)
