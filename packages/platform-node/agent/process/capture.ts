/** The output of a call: captured up to a limit, or streamed to the host as it arrives if the host asked for that. */
import type { Socket } from "node:net"
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises"
import { eventBytes, makeWindow } from "../../src/internal/agentWire/window.js"
import { countArg } from "../wire/args.js"
import { maxBodyBytes } from "../wire/connection.js"
import type { Agent, Call, Reply } from "../wire/operation.js"

const firstBlock = 4 * 1024
const largestBlock = 64 * 1024

/** More than the pipes of a call can hold. */
const maxPipeBytes = 256 * 1024

interface Meter {
  readonly push: (chunk: Buffer) => void
  /** Bytes that were passed on. */
  readonly bytes: () => number
  /** Bytes that arrived. */
  readonly seen: () => number
  readonly truncated: () => boolean
}

export type Capture = Meter & { readonly chunks: () => ReadonlyArray<Buffer> }

/**
 * Passes on the first `limit` bytes, or fewer once `room` is exhausted, and drops the rest. What `pass` receives is valid
 * during the call only.
 */
const makeMeter = (limit: number, pass: (piece: Buffer) => void, room: () => number = () => limit): Meter => {
  let bytes = 0
  let seen = 0
  let truncated = false

  const push: Meter["push"] = (chunk) => {
    seen += chunk.length
    if (truncated) return
    const piece = chunk.subarray(0, Math.min(limit - bytes, room()))
    truncated = piece.length < chunk.length
    bytes += piece.length
    if (piece.length > 0) pass(piece)
  }
  return { push, bytes: () => bytes, seen: () => seen, truncated: () => truncated }
}

/** Keeps the first `limit` bytes. Small chunks share blocks: a million short lines do not become a million buffers. */
export const makeCapture = (limit: number): Capture => {
  const blocks: Array<Buffer> = []
  let used = 0

  const append = (piece: Buffer) => {
    const last = blocks.at(-1)
    const copied = last === undefined ? 0 : piece.copy(last, used)
    used += copied
    if (copied === piece.length) return
    const block = last === undefined
      ? Buffer.allocUnsafe(piece.length)
      : Buffer.allocUnsafeSlow(
        Math.max(Math.min(largestBlock, Math.max(firstBlock, last.length * 2)), piece.length - copied)
      )
    blocks.push(block)
    used = piece.copy(block, 0, copied)
  }

  const chunks = () => {
    const last = blocks.pop()
    if (last !== undefined) blocks.push(last.subarray(0, used))
    return blocks
  }

  return { ...makeMeter(limit, append), chunks }
}

/** Passes on a copy of the first `limit` bytes as they come; the host keeps up with as much. */
const withCopy = (capture: Capture, limit: number, pass: (piece: Buffer) => void): Capture => {
  const meter = makeMeter(limit, (piece) => pass(Buffer.from(piece)))
  return {
    ...capture,
    push: (chunk) => {
      capture.push(chunk)
      meter.push(chunk)
    }
  }
}

export interface CallOutput {
  readonly stdout: Capture
  readonly stderr: Capture
  /** Sends an event to the host. */
  readonly emit: (event: "stdout" | "stderr" | "result", body: Buffer) => void
  /** Calls back once the window has room: at once, or when the host has consumed enough. */
  readonly whenWritable: (proceed: () => void) => void
  /** Sets the sockets that are paused while the window is full. */
  readonly pauseWhenFull: (...sockets: ReadonlyArray<Socket>) => void
  /** Stops pausing, because the call has to end: what it still writes is passed on up to a limit, then dropped. */
  readonly endBackpressure: () => void
  /** Waits for `done`, or until output was read for `ms` without it. */
  readonly settle: (done: Promise<unknown>, ms: number) => Promise<void>
  readonly reply: (value: Readonly<Record<string, unknown>>) => Reply
}

/** The limit applies to each stream. Unless they are streamed, both fit into one reply. */
export const makeCallOutput = (call: Call, agent: Agent): CallOutput => {
  const limit = countArg(call.args, "maxOutputBytes") ?? agent.config.limits.maxOutputBytes
  const flow = makeFlow(call, agent)

  const capture = (event: "stdout" | "stderr"): Capture => {
    if (call.args["stream"] !== true) {
      const captured = makeCapture(Math.min(limit, maxBodyBytes / 4))
      const shown = countArg(call.args, "shown") ?? 0
      return shown === 0
        ? captured
        : withCopy(captured, shown, (piece) => agent.output.send(call.id, { event }, [piece]))
    }
    return { ...makeMeter(limit, (piece) => flow.emit(event, Buffer.from(piece)), flow.room), chunks: () => [] }
  }
  const stdout = capture("stdout")
  const stderr = capture("stderr")

  return {
    stdout,
    stderr,
    emit: flow.emit,
    whenWritable: flow.whenWritable,
    pauseWhenFull: flow.pauseWhenFull,
    endBackpressure: flow.endBackpressure,
    settle: async (done, ms) => {
      let ended = false
      const end = done.then(() => void (ended = true))
      do await Promise.race([end, sleep(ms)])
      while (!ended && flow.paused())
      await drained(() => stdout.seen() + stderr.seen(), () => ended)
    },
    reply: (value) => ({
      value: {
        ...value,
        stdoutBytes: stdout.bytes(),
        stderrBytes: stderr.bytes(),
        stdoutTruncated: stdout.truncated(),
        stderrTruncated: stderr.truncated()
      },
      body: [...stdout.chunks(), ...stderr.chunks()]
    })
  }
}

/**
 * Waits until the pipes are empty. An event loop that was blocked runs timers before it reads, so an expired timer does not
 * mean that everything written before was read.
 */
const drained = async (seen: () => number, ended: () => boolean) => {
  const start = seen()
  let before = -1
  while (!ended() && seen() !== before && seen() - start < maxPipeBytes) {
    before = seen()
    await nextTurn()
  }
}

/** Backpressure for the events of a call: while the window is full its sockets are paused and the writer blocks. */
const makeFlow = ({ args, id }: Call, { inputs, output }: Agent) => {
  let sockets: ReadonlyArray<Socket> = []
  let waiting: Array<() => void> = []
  let paused = false
  let unbounded = false

  const open = () => {
    paused = false
    for (const socket of sockets) socket.resume()
    const woken = waiting
    waiting = []
    for (const proceed of woken) proceed()
  }
  const window = makeWindow(open)
  if (args["stream"] === true) inputs.set(id, (input) => void window.used(countArg(input, "consumed") ?? 0))

  const emit: CallOutput["emit"] = (event, body) => {
    output.send(id, { event }, [body])
    window.sent(body.length + eventBytes)
    if (paused || unbounded || !window.isFull()) return
    paused = true
    for (const socket of sockets) socket.pause()
  }
  const endBackpressure = () => {
    unbounded = true
    open()
  }
  return {
    emit,
    endBackpressure,
    room: () => unbounded ? Math.max(0, window.room() + maxPipeBytes) : Infinity,
    paused: () => paused,
    whenWritable: (proceed: () => void) => paused ? void waiting.push(proceed) : proceed(),
    pauseWhenFull: (...given: ReadonlyArray<Socket>) => void (sockets = given)
  }
}
