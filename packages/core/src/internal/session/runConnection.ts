/**
 * One open WebSocket and the streamed runs on it. It reads no further while a reader is behind, notices when the other side
 * has fallen silent, and closes itself when nobody has used it for a while.
 */
import type * as Clock from "effect/Clock"
import * as timers from "../client/deadline/timer.js"
import type { Socket, SocketError } from "../client/transport/socket.js"
import * as frames from "../wire/runFrames.js"
import { pauseAt, RunCall, type RunFailure, runLost } from "./runCall.js"

/** Interval of pings. A connection on which nothing arrives from one to the next but one is given up. */
export const heartbeatMillis = 20_000

/** How long a connection without runs stays open. */
const lingerMillis = 20_000

/** Characters that may wait for a reader where reading cannot be paused. */
const maxWaiting = 32 * 2 ** 20

export interface Run {
  readonly id: string
  readonly language: string
  readonly code: string
  readonly timeoutS: number
  /** Time for the run and its transport, in milliseconds. */
  readonly deadlineMillis: number
}

export interface RunConnectionOptions {
  readonly clock: Clock.Clock
  /** The server inside the session that runs code. */
  readonly target: string
  /** Whether the server takes a frame that ends a run. */
  readonly canCancel: boolean
  /** Called when the connection takes no further runs. */
  readonly onRetired: () => void
  /** Called with the code of a run that the server gave up, before its reader hears of it. */
  readonly onAborted: (code: string) => void
  /** Called when the socket is closed. */
  readonly onClosed: () => void
}

const lostDetail = ({ code, reason }: SocketError): string =>
  reason === "TooLarge"
    ? "the server sent a message that is too large"
    : `the connection was lost before the run ended${code === "" ? "" : ` (${code})`}`

export class RunConnection {
  readonly #options: RunConnectionOptions
  readonly #calls = new Map<string, RunCall>()
  #socket: Socket | undefined
  #isRetired = false
  #isClosed = false
  #isPaused = false
  /** What had been received at the last ping, while its answer is awaited. */
  #receivedAtPing: number | undefined
  #stopHeartbeat: (() => void) | undefined
  #stopLinger: (() => void) | undefined

  constructor(options: RunConnectionOptions) {
    this.#options = options
  }

  /** Whether a further run may start here. One that starts while a reader is behind would wait for that reader. */
  get takesRuns(): boolean {
    return !this.#isRetired && !this.#isPaused
  }

  open(socket: Socket): void {
    this.#socket = socket
    if (this.#isClosed) return socket.close()
    this.#update()
  }

  start({ code, deadlineMillis, id, language, timeoutS }: Run): RunCall {
    const { clock, target } = this.#options
    const call: RunCall = new RunCall({
      id,
      clock,
      timeoutMillis: deadlineMillis,
      onRead: () => this.#updatePause(),
      onTimeout: () => this.#abandon(call, runLost("its time is over"))
    })
    this.#calls.set(id, call)
    this.#socket?.send(frames.start({ id, target, language, code, timeoutS }))
    call.startTimer()
    this.#update()
    return call
  }

  /** The reader is done with a run. One that has not ended is ended as far as the server allows it. */
  release(call: RunCall): void {
    if (this.#calls.get(call.id) === call) this.#abandon(call, runLost("it was cancelled"))
    this.#updatePause()
  }

  readonly onMessage = (message: string): void => {
    const frame = frames.parse(message)
    const call = frame && this.#calls.get(frame.id)
    if (frame === undefined || call === undefined) return
    const content = frame.read()
    if (content === undefined) return
    if (content._tag === "Aborted") this.#options.onAborted(content.code)
    call.offer(content, message.length)
    if (call.isOver) this.#remove(call)
    else if (this.#socket?.setPaused === undefined && call.waiting > maxWaiting) {
      this.#abandon(call, runLost("its output came faster than it was read, and this runtime cannot pause a WebSocket"))
    }
    this.#updatePause()
  }

  readonly onClose = (error: SocketError): void => this.#end(runLost(lostDetail(error)))

  /** Closes the socket; runs on it fail. */
  close(failure: RunFailure): void {
    this.#end(failure)
  }

  #end(failure: RunFailure): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#retire()
    this.#stopHeartbeat?.()
    this.#stopLinger?.()
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    this.#socket?.close()
    this.#options.onClosed()
    for (const call of calls) call.fail(failure)
  }

  #retire(): void {
    if (this.#isRetired) return
    this.#isRetired = true
    this.#options.onRetired()
  }

  #remove(call: RunCall): void {
    this.#calls.delete(call.id)
    this.#update()
  }

  /**
   * Gives up a run. The wire has no word for it: closing the socket ends a run, and with it all others on the socket. So a
   * server that announces a word is told, else the socket is closed as soon as no other run needs it.
   */
  #abandon(call: RunCall, failure: RunFailure): void {
    call.fail(failure)
    this.#calls.delete(call.id)
    const { canCancel, target } = this.#options
    if (canCancel) this.#socket?.send(frames.cancel(call.id, target))
    else this.#retire()
    this.#update()
  }

  /** After the number of runs has changed. */
  #update(): void {
    if (this.#isClosed) return
    const isIdle = this.#calls.size === 0
    if (isIdle && this.#isRetired) return this.#end(runLost("the connection was closed"))
    this.#socket?.setReferenced?.(!isIdle)
    if (isIdle) {
      this.#stopHeartbeat?.()
      this.#stopHeartbeat = undefined
      const close = () => this.#end(runLost("the connection was closed"))
      this.#stopLinger ??= timers.start(this.#options.clock, lingerMillis, close, false)
    } else {
      this.#stopLinger?.()
      this.#stopLinger = undefined
      if (this.#stopHeartbeat === undefined) this.#scheduleHeartbeat()
    }
  }

  #updatePause(): void {
    const { setPaused } = this.#socket ?? {}
    if (this.#isClosed || setPaused === undefined) return
    const calls = [...this.#calls.values()]
    const isPaused = calls.some(({ waiting }) => waiting >= pauseAt)
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    this.#receivedAtPing = undefined
    for (const call of calls) {
      if (isPaused) call.stopTimer()
      else call.startTimer()
    }
    setPaused(isPaused)
  }

  #scheduleHeartbeat(): void {
    this.#receivedAtPing = undefined
    const beat = () => {
      this.#stopHeartbeat = timers.start(this.#options.clock, heartbeatMillis, () => {
        if (this.#beat()) beat()
      })
    }
    beat()
  }

  /** Returns whether the connection is still good. Nothing can arrive while reading is paused. */
  #beat(): boolean {
    const socket = this.#socket
    if (socket === undefined || this.#isClosed) return false
    if (socket.ping === undefined) {
      socket.send(frames.ping)
      return true
    }
    if (this.#receivedAtPing === socket.received()) {
      this.#end(runLost("the connection has fallen silent"))
      return false
    }
    this.#receivedAtPing = this.#isPaused ? undefined : socket.received()
    socket.ping()
    return true
  }
}
