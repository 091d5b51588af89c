/** What a call writes to its two streams: kept up to a limit, or passed on as it comes if the host asked for that. */
import type { Socket } from "node:net"
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises"
import { eventBytes, makeWindow } from "../../src/internal/agentWire/window.js"
import type { Agent, Call, Reply } from "../operation.js"
import { count } from "../wire/args.js"
import { maxBodyBytes } from "../wire/connection.js"

const firstBlock = 4 * 1024
const largestBlock = 64 * 1024

/** More than the pipes of a call can hold. */
const pipesHold = 256 * 1024

/** What a call that has to end may still send, whether or not its window is full. */
const lateBytes = pipesHold

interface Meter {
  readonly push: (chunk: Buffer) => void
  /** What was let through. */
  readonly bytes: () => number
  /** All that came. */
  readonly seen: () => number
  readonly truncated: () => boolean
}

export type Capture = Meter & { readonly chunks: () => ReadonlyArray<Buffer> }

/**
 * Lets the first `limit` bytes through, or fewer once there is no room for more: what comes after is dropped.
 *
 * @param pass the piece is only valid during the call
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

/**
 * Keeps the first `limit` bytes. Small chunks share blocks, so that a million short lines do not become a million buffers.
 */
export const makeCapture = (limit: number): Capture => {
  const blocks: Array<Buffer> = []
  let used = 0

  const keep = (piece: Buffer) => {
    const last = blocks.at(-1)
    const copied = last === undefined ? 0 : piece.copy(last, used)
    used += copied
    if (copied === piece.length) return
    const size = last === undefined ? piece.length : Math.min(largestBlock, Math.max(firstBlock, last.length * 2))
    if (last !== undefined) blocks.push(Buffer.allocUnsafeSlow(Math.max(size, piece.length - copied)))
    else blocks.push(Buffer.allocUnsafe(size))
    used = piece.copy(blocks.at(-1) as Buffer, 0, copied)
  }

  const chunks = () => {
    const last = blocks.pop()
    if (last !== undefined) blocks.push(last.subarray(0, used))
    return blocks
  }

  return { ...makeMeter(limit, keep), chunks }
}

export interface CallOutput {
  readonly stdout: Capture
  readonly stderr: Capture
  /** Sends an event. */
  readonly tell: (event: "stdout" | "stderr" | "result", body: Buffer) => void
  /** At once, or when the host has used enough of the events. */
  readonly whenOpen: (proceed: () => void) => void
  /** The sockets to pause until then. */
  readonly from: (...sockets: ReadonlyArray<Socket>) => void
  /** Stops pausing: what is still to come is little, or dropped. */
  readonly hurry: () => void
  /** Waits for `done`, or until output was read for `ms` without it. */
  readonly settle: (done: Promise<unknown>, ms: number) => Promise<void>
  readonly reply: (value: Readonly<Record<string, unknown>>) => Reply
}

/** The output of one call. The limit holds for each stream; where it is not passed on, both fit one reply. */
export const makeCallOutput = (call: Call, agent: Agent): CallOutput => {
  const wanted = count(call.args, "maxOutputBytes") ?? agent.config.limits.maxOutputBytes
  const flow = makeFlow(call, agent)

  const capture = (event: "stdout" | "stderr"): Capture => {
    if (call.args["stream"] !== true) return makeCapture(Math.min(wanted, maxBodyBytes / 4))
    return { ...makeMeter(wanted, (piece) => flow.tell(event, Buffer.from(piece)), flow.room), chunks: () => [] }
  }
  const stdout = capture("stdout")
  const stderr = capture("stderr")

  return {
    stdout,
    stderr,
    tell: flow.tell,
    whenOpen: flow.whenOpen,
    from: flow.from,
    hurry: flow.hurry,
    settle: async (done, ms) => {
      let ended = false
      const end = done.then(() => void (ended = true))
      do await Promise.race([end, sleep(ms)])
      while (!ended && flow.paused())
      await emptied(() => stdout.seen() + stderr.seen(), () => ended)
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
 * Waits until what was written before is read. A loop that was held up fires its timers before it reads, so that a timer
 * alone says nothing about what lies in the pipes.
 */
const emptied = async (seen: () => number, ended: () => boolean) => {
  const start = seen()
  let before = -1
  while (!ended() && seen() !== before && seen() - start < pipesHold) {
    before = seen()
    await turn()
  }
}

/**
 * Keeps the events of a call within their window: who writes waits in its pipe until the host has used enough of them.
 */
const makeFlow = ({ args, id }: Call, { inputs, output }: Agent) => {
  let sockets: ReadonlyArray<Socket> = []
  let waiting: Array<() => void> = []
  let paused = false
  let hurried = false

  const open = () => {
    paused = false
    for (const socket of sockets) socket.resume()
    const woken = waiting
    waiting = []
    for (const proceed of woken) proceed()
  }
  const window = makeWindow(open)
  if (args["stream"] === true) inputs.set(id, (input) => void window.used(count(input, "taken") ?? 0))

  const tell: CallOutput["tell"] = (event, body) => {
    output.send(id, { event }, [body])
    window.sent(body.length + eventBytes)
    if (paused || hurried || !window.isFull()) return
    paused = true
    for (const socket of sockets) socket.pause()
  }
  const hurry = () => {
    hurried = true
    open()
  }
  return {
    tell,
    hurry,
    room: () => hurried ? Math.max(0, window.room() + lateBytes) : Infinity,
    paused: () => paused,
    whenOpen: (proceed: () => void) => paused ? void waiting.push(proceed) : proceed(),
    from: (...given: ReadonlyArray<Socket>) => void (sockets = given)
  }
}
