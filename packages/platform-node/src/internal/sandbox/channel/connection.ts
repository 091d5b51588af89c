/**
 * The host's end of the conversation with an agent. User code shares the agent's rights inside the sandbox, so whatever
 * arrives may have been written by it: every frame is decoded, and the first that makes no sense ends the sandbox.
 */
import * as Either from "effect/Either"
import type { Readable, Writable } from "node:stream"
import { decoder, encode, type Frame, maxFrameBytes } from "../../agentWire/frames.js"
import {
  decodeReady,
  decodeReply,
  type OutboundEvent,
  type SandboxAnswer,
  type SandboxCall,
  SandboxFailure,
  type SandboxInput,
  SandboxLost,
  type SandboxOutput,
  type TunnelEvent
} from "./protocol.js"

export type CallError = SandboxFailure | SandboxLost

/** Who waits for a call. `onEnd` is called once, unless the call is cancelled. */
export interface Listener {
  readonly onOutput?: ((output: SandboxOutput) => void) | undefined
  readonly onTunnel?: ((event: TunnelEvent) => void) | undefined
  /** Whether there is output that nobody has used yet, for which the call may be waiting. */
  readonly isBehind?: (() => boolean) | undefined
  readonly onOutbound?: ((event: OutboundEvent) => void) | undefined
  readonly onEnd: (end: Either.Either<SandboxAnswer, CallError>) => void
}

/** What the agent reads, and what it writes. */
export interface Pipes {
  readonly stdin: Writable
  readonly stdout: Readable
}

/** A call that runs. */
export interface Started {
  /** After this the listener hears nothing more. */
  readonly cancel: () => void
  /**
   * Says something to the call: what was used of its output or, to a tunnel, bytes for its port. `said` is called when it
   * has left.
   */
  readonly say: (input: SandboxInput, body?: Uint8Array, said?: () => void) => void
}

type Output = Extract<Either.Either.Right<ReturnType<typeof decodeReply>>, { readonly event: string }>

interface Pending extends Listener {
  deadline: NodeJS.Timeout | undefined
}

/** What the agent may take beyond the time that a call allows: it kills, drains and restarts within that. */
const grace = 15_000
const withoutTimeout = 120_000
/** After the deadline, for what already waits in the pipe: a machine that wakes up finds both at once. */
const lastCall = 1000
const longestTimer = 0x7fffffff
/** An agent that leaves more unanswered means to. */
const mostCancelled = 10_000

const endless: ReadonlySet<SandboxCall["op"]> = new Set(["tunnel", "outbound", "accept"])

/** What all readers of a sandbox together may leave unused: 256 full windows, unless its agent keeps to none. */
const mostUnread = 64 * 1024 * 1024

const patience = (call: SandboxCall): number =>
  Math.min("timeoutMs" in call ? call.timeoutMs + grace : withoutTimeout, longestTimer)

const size = (parts: ReadonlyArray<Uint8Array>) => parts.reduce((sum, part) => sum + part.length, 0)

const tooLarge = new SandboxFailure({
  code: "EFBIG",
  message: `A call and its content may not exceed ${maxFrameBytes} bytes`
})

export class SandboxConnection {
  /** Resolves when the agent has introduced itself. */
  readonly ready: Promise<void>
  readonly lost: Promise<SandboxLost>

  readonly #kill: () => void
  readonly #stdin: Writable
  readonly #stdout: Readable
  readonly #calls = new Map<number, Pending>()
  readonly #cancelled = new Set<number>()
  readonly #waiting = new Set<() => void>()
  #last = 0
  #unread = 0
  #isReady = false
  #loss: SandboxLost | undefined
  #becomeReady!: () => void
  #lose!: (loss: SandboxLost) => void

  /** `kill` must end the process at once; `exited` says why it ended. */
  constructor(pipes: Pipes, kill: () => void, exited: Promise<string>) {
    this.#kill = kill
    this.#stdin = pipes.stdin
    this.#stdout = pipes.stdout
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve
    })
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
    this.#listen()
    void exited.then((reason) => this.end(reason))
  }

  get isLost(): boolean {
    return this.#loss !== undefined
  }

  /** Starts a call. */
  start(call: SandboxCall, body: Uint8Array | undefined, listener: Listener): Started {
    const refusal = this.#loss
    if (refusal !== undefined) return refuse(listener, refusal)
    const id = this.#nextId()
    const parts = encode(id, listener.onOutput === undefined ? call : { ...call, stream: true }, body)
    if (size(parts) > maxFrameBytes) return refuse(listener, tooLarge)
    const deadline = endless.has(call.op) ? undefined : this.#deadline(id, call, patience(call))
    this.#calls.set(id, { ...listener, deadline })
    let sent = false
    const giveUp = this.#whenWritable(() => {
      sent = true
      this.#write(parts)
    })
    return {
      cancel: () => {
        giveUp()
        this.#cancel(id, sent)
      },
      say: (input, body, said) => {
        if (!this.#calls.has(id)) return
        const frame = encode(this.#nextId(), { op: "input", target: id, ...input }, body)
        this.#whenWritable(() => {
          this.#write(frame)
          said?.()
        })
      }
    }
  }

  /** Counts output that waits for a reader. With too much of it nothing more is read, and all calls wait. */
  keep(bytes: number): void {
    this.#unread += bytes
    if (this.#unread > mostUnread) this.#stdout.pause()
  }

  /** The opposite. */
  free(bytes: number): void {
    this.#unread -= bytes
    if (this.#unread <= mostUnread) this.#stdout.resume()
  }

  /** Kills the sandbox and fails every call in flight. */
  end(reason: string): void {
    if (this.isLost) return
    this.#kill()
    this.close(reason)
  }

  /** Fails every call in flight, and leaves the end of the process to its owner. The first reason counts. */
  close(reason: string): void {
    if (this.isLost) return
    const loss = new SandboxLost({ reason })
    this.#loss = loss
    this.#lose(loss)
    for (const id of [...this.#calls.keys()]) this.#finish(id, Either.left(loss))
    this.#waiting.clear()
  }

  #listen() {
    const decode = decoder((frame) => this.#onFrame(frame))
    this.#stdout.on("data", (chunk) => {
      if (this.isLost) return
      try {
        decode(chunk)
      } catch {
        this.end("its agent sent something that is no frame")
      }
    })
    this.#stdout.on("error", () => this.end("its output broke off"))
    this.#stdin.on("error", () => {})
    this.#stdin.on("drain", () => {
      for (const proceed of [...this.#waiting]) proceed()
    })
  }

  #onFrame(frame: Frame) {
    if (this.isLost) return
    if (this.#isReady) return this.#onReply(frame)
    if (frame.id !== 0 || Either.isLeft(decodeReady(frame.json))) return this.end("its agent did not introduce itself")
    this.#isReady = true
    this.#becomeReady()
  }

  #onReply({ body, id, json }: Frame) {
    const decoded = decodeReply(json)
    if (Either.isLeft(decoded)) return this.end("its agent sent a frame that makes no sense")
    const reply = decoded.right
    const isLast = !("event" in reply)
    const pending = this.#calls.get(id)
    if (pending === undefined) {
      if (!this.#cancelled.has(id)) return this.end("its agent answered a call that nobody made")
      if (isLast) this.#cancelled.delete(id)
    } else if (isLast) {
      this.#finish(id, reply.ok ? Either.right({ value: reply.value, body }) : Either.left(new SandboxFailure(reply)))
    } else if (!this.#hand(pending, reply, body)) {
      this.end("its agent sent output that nobody asked for")
    }
  }

  #hand({ onOutbound, onOutput, onTunnel }: Pending, event: Output, body: Uint8Array): boolean {
    switch (event.event) {
      case "stdout":
      case "stderr":
      case "result":
        onOutput?.({ event: event.event, body })
        return onOutput !== undefined
      case "data":
        onTunnel?.({ event: "data", body })
        return onTunnel !== undefined
      case "listening":
      case "ask":
        onOutbound?.(event)
        return onOutbound !== undefined
      default:
        onTunnel?.(event)
        return onTunnel !== undefined
    }
  }

  #finish(id: number, result: Either.Either<SandboxAnswer, CallError>) {
    const pending = this.#calls.get(id)
    if (pending === undefined) return
    this.#calls.delete(id)
    clearTimeout(pending.deadline)
    pending.onEnd(result)
  }

  #cancel(id: number, sent: boolean) {
    const pending = this.#calls.get(id)
    if (pending === undefined) return
    this.#calls.delete(id)
    clearTimeout(pending.deadline)
    if (!sent) return
    this.#cancelled.add(id)
    if (this.#cancelled.size > mostCancelled) return this.end("its agent does not answer what was cancelled")
    this.#whenWritable(() => this.#write(encode(this.#nextId(), { op: "cancel", target: id })))
  }

  /** A reader that holds the stream is no fault of the agent. */
  #deadline(id: number, call: SandboxCall, wait: number): NodeJS.Timeout {
    return setTimeout(() => {
      const pending = this.#calls.get(id)
      if (pending === undefined) return
      const isHeld = this.#stdout.isPaused() || pending.isBehind?.() === true
      if (wait === lastCall && !isHeld) this.end(`its agent did not answer ${call.op} in time`)
      else pending.deadline = this.#deadline(id, call, lastCall)
    }, wait)
  }

  #nextId(): number {
    do this.#last = this.#last % 0xfffffffe + 1
    while (this.#calls.has(this.#last) || this.#cancelled.has(this.#last))
    return this.#last
  }

  /** Writes at once or when the pipe takes data again; the result gives up. */
  #whenWritable(write: () => void): () => void {
    if (!this.#stdin.writableNeedDrain) {
      write()
      return () => {}
    }
    const proceed = () => {
      this.#waiting.delete(proceed)
      write()
    }
    this.#waiting.add(proceed)
    return () => this.#waiting.delete(proceed)
  }

  #write(parts: ReadonlyArray<Uint8Array>) {
    for (const part of parts) this.#stdin.write(part)
  }
}

const refuse = (listener: Listener, error: CallError): Started => {
  listener.onEnd(Either.left(error))
  return { cancel: () => {}, say: () => {} }
}
