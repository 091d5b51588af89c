/**
 * The host's end of the connection to an agent. User code runs with the agent's rights and may have written anything that
 * arrives: every frame is validated, and the first invalid one kills the sandbox.
 */
import * as Either from "effect/Either"
import type { Readable, Writable } from "node:stream"
import {
  type Body,
  encode,
  type FrameLimits,
  FrameReader,
  maxFrameBytes,
  parseJson,
  type RawFrame,
  sharedBytes
} from "../../agentWire/frames.js"
import { withinJsonLimits } from "../../agentWire/jsonLimits.js"
import { answerLimits, strayFrame } from "./answerLimits.js"
import { makeTurns, type Turns } from "./eventLoopTurns.js"
import type { Answer } from "./largeAnswer.js"
import {
  decodeReady,
  decodeReply,
  type EgressEvent,
  type FileEvent,
  type LargeAnswer,
  type SandboxCall,
  SandboxFailure,
  type SandboxInput,
  SandboxLost,
  type SandboxOutput,
  type TunnelEvent
} from "./protocol.js"

export type CallError = SandboxFailure | SandboxLost

/** Callbacks of a call. `onEnd` is called exactly once, unless the call is cancelled. */
export interface Listener {
  readonly onOutput?: ((output: SandboxOutput) => void) | undefined
  /** Receives the beginning of what a call writes while it runs, {@link shownBytes} of each stream; the answer has all of it. */
  readonly onShown?: ((output: SandboxOutput) => void) | undefined
  readonly onTunnel?: ((event: TunnelEvent) => void) | undefined
  /** Whether output is still unread: then backpressure may be holding the call up. */
  readonly hasUnreadOutput?: (() => boolean) | undefined
  readonly onEgress?: ((event: EgressEvent) => void) | undefined
  readonly onFile?: ((event: FileEvent) => void) | undefined
  readonly onEnd: (end: Either.Either<Answer, CallError>) => void
}

/** The agent's standard input and output. */
export interface Pipes {
  readonly stdin: Writable
  readonly stdout: Readable
}

/** A call in progress. */
export interface RunningCall {
  /** Cancels the call; the listener is not called any more. */
  readonly cancel: () => void
  /**
   * Sends input to the call: an acknowledgement of output or, for a tunnel, bytes for its port. `onSent` is called once it
   * is written to the pipe, `onTaken` once the pipe has taken it: then the body is not used any more.
   */
  readonly send: (input: SandboxInput, body?: Uint8Array, onSent?: () => void, onTaken?: () => void) => void
}

type Reply = Either.Either.Right<ReturnType<typeof decodeReply>>

type Output = Extract<Reply, { readonly event: string }>

interface Pending extends Listener {
  readonly limits: FrameLimits
  deadline: NodeJS.Timeout | undefined
}

/** Grace period after a call's own timeout, in which the agent kills, drains and restarts; in milliseconds. */
const graceMs = 15_000
const defaultDeadlineMs = 120_000
/** After the deadline, time to read what the pipe already holds: a suspended machine wakes up to both at once. */
const drainMs = 1000
/** A frame that has begun and of which nothing more arrives for this long is no frame. */
const frameStallMs = 30_000
const maxTimerMs = 0x7fffffff
const maxUnansweredCancels = 10_000

/** What lasts as long as it is used; whoever streams a file watches over its progress. */
const untimed: ReadonlySet<SandboxCall["op"]> = new Set([
  "tunnel",
  "egress",
  "accept",
  "streamRead",
  "streamWrite",
  "handWrite"
])

/** Unread output of one sandbox, in bytes: 256 full windows, which only an agent that ignores flow control exceeds. */
const maxUnreadBytes = 64 * 1024 * 1024

const deadlineMs = (call: SandboxCall): number =>
  Math.min("timeoutMs" in call ? call.timeoutMs + graceMs : defaultDeadlineMs, maxTimerMs)

const size = (parts: ReadonlyArray<Uint8Array>) => parts.reduce((sum, part) => sum + part.length, 0)

const tooLarge = new SandboxFailure({
  code: "EFBIG",
  message: `A call and its content may not exceed ${maxFrameBytes} bytes`
})

export class SandboxConnection {
  /** Resolves when the agent has sent its ready frame. */
  readonly ready: Promise<void>
  /** The process id of the agent as it sees itself, once it is ready. */
  agentPid: number | undefined
  readonly lost: Promise<SandboxLost>

  readonly #kill: () => void
  readonly #stdin: Writable
  readonly #stdout: Readable
  readonly #calls = new Map<number, Pending>()
  readonly #outputBytes: number
  readonly #cancelled = new Map<number, FrameLimits>()
  readonly #queuedWrites = new Set<() => void>()
  readonly #reader = new FrameReader((id) => this.#calls.get(id)?.limits ?? this.#cancelled.get(id) ?? strayFrame)
  readonly #turns: Turns = makeTurns(() => this.#readFrames(), () => this.#pauseOrResume())
  #stall: NodeJS.Timeout | undefined
  #last = 0
  #unread = 0
  /** The JSON of the last frame, which may come in pieces. */
  #decoded: { readonly json: Buffer; readonly reply: Reply } | undefined
  #isReady = false
  #loss: SandboxLost | undefined
  #becomeReady!: () => void
  #lose!: (loss: SandboxLost) => void

  /**
   * `kill` must kill the process at once; `exited` resolves with the reason of its end. `outputBytes` is what the agent may
   * keep of each stream of a call.
   */
  constructor(pipes: Pipes, kill: () => void, exited: Promise<string>, outputBytes: number) {
    this.#kill = kill
    this.#outputBytes = outputBytes
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

  /** Whether what the agent has sent waits to be read here. */
  get isBehind(): boolean {
    return this.#stdout.isPaused()
  }

  /** Starts a call. */
  start(call: SandboxCall, body: Body | undefined, listener: Listener): RunningCall {
    if (this.#loss !== undefined) return rejectCall(listener, this.#loss)
    const id = this.#nextId()
    const parts = encode(id, withOutput(call, listener), body)
    if (size(parts) > maxFrameBytes) return rejectCall(listener, tooLarge)
    const deadline = untimed.has(call.op) ? undefined : this.#deadline(id, call, deadlineMs(call))
    const limits = answerLimits(call, listener.onOutput !== undefined, this.#outputBytes)
    this.#calls.set(id, { ...listener, deadline, limits })
    let isSent = false
    const dequeue = this.#whenWritable(() => {
      isSent = true
      this.#write(parts)
    })
    return {
      cancel: () => {
        dequeue()
        this.#cancel(id, isSent)
      },
      send: (input, body, onSent, onTaken) => {
        if (!this.#calls.has(id)) return
        const frame = encode(this.#nextId(), { op: "input", target: id, ...input }, body)
        this.#whenWritable(() => {
          this.#write(frame, onTaken)
          onSent?.()
        })
      }
    }
  }

  /** Counts output that waits for a reader. Beyond the limit the pipe is paused, and with it all calls. */
  addUnread(bytes: number): void {
    this.#unread += bytes
    this.#pauseOrResume()
  }

  /** Counts output as read, and resumes the pipe below the limit. */
  removeUnread(bytes: number): void {
    this.#unread -= bytes
    this.#pauseOrResume()
  }

  /** Kills the process, whose end is noticed later. */
  kill(): void {
    this.#kill()
  }

  /** Kills the sandbox and fails every call in flight. */
  end(reason: string): void {
    if (this.isLost) return
    this.#kill()
    this.close(reason)
  }

  /** Fails every call in flight but does not kill the process. The first reason is kept. */
  close(reason: string): void {
    if (this.isLost) return
    const loss = new SandboxLost({ reason })
    this.#loss = loss
    this.#lose(loss)
    for (const id of [...this.#calls.keys()]) this.#finish(id, Either.left(loss))
    this.#queuedWrites.clear()
    this.#turns.stop()
    clearTimeout(this.#stall)
  }

  #listen() {
    this.#stdout.on("data", (chunk) => {
      if (this.isLost) return
      this.#reader.push(chunk)
      this.#turns.request()
    })
    this.#stdout.on("error", () => this.end("its output broke off"))
    this.#stdin.on("error", () => {})
    this.#stdin.on("drain", () => {
      for (const proceed of [...this.#queuedWrites]) proceed()
    })
  }

  /** Reads what has arrived while its turn lasts; returns whether there may be more. */
  #readFrames(): boolean {
    try {
      while (!this.isLost && this.#turns.lasts()) {
        const frame = this.#reader.next()
        if (frame === undefined) {
          this.#watchFrame()
          return false
        }
        this.#onFrame(frame)
      }
      return !this.isLost
    } catch {
      this.end("its agent sent something that is no frame")
      return false
    }
  }

  #pauseOrResume() {
    const isBehind = this.#turns.areWaiting || this.#unread > maxUnreadBytes
    if (isBehind === this.#stdout.isPaused()) return
    if (isBehind) this.#stdout.pause()
    else this.#stdout.resume()
  }

  /** Ends the sandbox if a frame has begun and does not go on, unless this process is what holds it up. */
  #watchFrame() {
    clearTimeout(this.#stall)
    if (!this.#reader.isWithinFrame) return
    this.#stall = setTimeout(() => {
      if (this.#stdout.isPaused()) this.#watchFrame()
      else this.end("its agent did not go on with a frame")
    }, frameStallMs).unref()
  }

  #onFrame(frame: RawFrame) {
    if (!this.#isReady) return this.#onFirst(frame)
    const answer = largeAnswerOf(frame)
    if (answer !== undefined) return this.#onAnswer(frame.id, Either.right(answer))
    const reply = this.#replyOf(frame)
    if (reply === undefined) return this.end("its agent sent a frame that makes no sense")
    const { body, id } = frame
    if (!("event" in reply)) {
      return this.#onAnswer(
        id,
        reply.ok ? Either.right({ value: reply.value, body }) : Either.left(new SandboxFailure(reply))
      )
    }
    const pending = this.#pending(id)
    if (pending !== undefined && !this.#dispatch(pending, reply, body)) {
      this.end("its agent sent output that nobody asked for")
    }
  }

  #replyOf({ json, limits }: RawFrame): Reply | undefined {
    if (this.#decoded?.json === json) return this.#decoded.reply
    const decoded = decodeReply(parseJson(json, limits.json))
    if (Either.isLeft(decoded)) return undefined
    this.#decoded = limits.isStreamed === true ? { json, reply: decoded.right } : undefined
    return decoded.right
  }

  #onFirst({ id, json, limits }: RawFrame) {
    const first = decodeReady(parseJson(json, limits.json))
    if (id !== 0 || Either.isLeft(first)) return this.end("its agent did not introduce itself")
    this.agentPid = first.right.pid
    this.#isReady = true
    this.#becomeReady()
  }

  #onAnswer(id: number, answer: Either.Either<Answer, CallError>) {
    if (this.#pending(id) === undefined) this.#cancelled.delete(id)
    else this.#finish(id, answer)
  }

  /** The call of a frame, unless it was cancelled. */
  #pending(id: number): Pending | undefined {
    const pending = this.#calls.get(id)
    if (pending === undefined && !this.#cancelled.has(id)) this.end("its agent answered a call that nobody made")
    return pending
  }

  /** Whether the call expects such an event. */
  #dispatch({ onEgress, onFile, onOutput, onShown, onTunnel }: Pending, event: Output, body: Uint8Array): boolean {
    switch (event.event) {
      case "stdout":
      case "stderr":
        ;(onOutput ?? onShown)?.({ event: event.event, body })
        return (onOutput ?? onShown) !== undefined
      case "result":
        onOutput?.({ event: event.event, body })
        return onOutput !== undefined
      case "data":
        ;(onFile ?? onTunnel)?.({ event: "data", body })
        return (onFile ?? onTunnel) !== undefined
      case "consumed":
        ;(onFile ?? onTunnel)?.(event)
        return (onFile ?? onTunnel) !== undefined
      case "file":
      case "descriptor":
        onFile?.(event)
        return onFile !== undefined
      case "listening":
      case "connect":
        onEgress?.(event)
        return onEgress !== undefined
      default:
        onTunnel?.(event)
        return onTunnel !== undefined
    }
  }

  #finish(id: number, result: Either.Either<Answer, CallError>) {
    const pending = this.#calls.get(id)
    if (pending === undefined) return
    this.#calls.delete(id)
    clearTimeout(pending.deadline)
    pending.onEnd(result)
  }

  #cancel(id: number, isSent: boolean) {
    const pending = this.#calls.get(id)
    if (pending === undefined) return
    this.#calls.delete(id)
    clearTimeout(pending.deadline)
    if (!isSent) return
    this.#cancelled.set(id, pending.limits)
    if (this.#cancelled.size > maxUnansweredCancels) return this.end("its agent does not answer what was cancelled")
    this.#whenWritable(() => this.#write(encode(this.#nextId(), { op: "cancel", target: id })))
  }

  /** A call under backpressure from a slow reader is not killed. */
  #deadline(id: number, call: SandboxCall, delay: number): NodeJS.Timeout {
    return setTimeout(() => {
      const pending = this.#calls.get(id)
      if (pending === undefined) return
      const isHeldUp = this.#stdout.isPaused() || pending.hasUnreadOutput?.() === true
      if (delay === drainMs && !isHeldUp) this.end(`its agent did not answer ${call.op} in time`)
      else pending.deadline = this.#deadline(id, call, drainMs)
    }, delay)
  }

  #nextId(): number {
    do this.#last = this.#last % 0xfffffffe + 1
    while (this.#calls.has(this.#last) || this.#cancelled.has(this.#last))
    return this.#last
  }

  /** Writes at once or, after backpressure, when the pipe drains; the result takes the write off the queue. */
  #whenWritable(write: () => void): () => void {
    if (!this.#stdin.writableNeedDrain) {
      write()
      return () => {}
    }
    const proceed = () => {
      this.#queuedWrites.delete(proceed)
      write()
    }
    this.#queuedWrites.add(proceed)
    return () => this.#queuedWrites.delete(proceed)
  }

  #write(parts: ReadonlyArray<Uint8Array>, onTaken?: () => void) {
    this.#stdin.cork()
    for (const part of parts) this.#stdin.write(part, part === parts.at(-1) ? onTaken : undefined)
    this.#stdin.uncork()
  }
}

/** How much of each stream of a call is sent while it runs, where somebody watches. */
const shownBytes = 256 * 1024

const withOutput = (call: SandboxCall, { onOutput, onShown }: Listener) => {
  if (onOutput !== undefined) return { ...call, stream: true }
  return onShown === undefined ? call : { ...call, shown: shownBytes }
}

/** Larger JSON takes milliseconds to be parsed. */
const smallJson = { bytes: 64 * 1024, cost: 4096 }

/** The answer in a frame whose JSON is not parsed here. */
const largeAnswerOf = ({ body, json, limits }: RawFrame): LargeAnswer | undefined => {
  const isSmall = json.length <= smallJson.bytes &&
    (limits.json.cost <= smallJson.cost || withinJsonLimits(json, { ...limits.json, cost: smallJson.cost }))
  if (isSmall) return undefined
  const isOwn = json.length + body.length > sharedBytes
  const [ownJson, ownBody] = isOwn ? [json, body] : [new Uint8Array(json), new Uint8Array(body)]
  return { json: ownJson, body: ownBody, limits: limits.json, notice: undefined }
}

const rejectCall = (listener: Listener, error: CallError): RunningCall => {
  listener.onEnd(Either.left(error))
  return { cancel: () => {}, send: () => {} }
}
