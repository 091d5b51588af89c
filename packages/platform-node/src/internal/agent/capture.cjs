// @ts-check
"use strict"

/** What a call writes to its two streams: kept up to a limit, or passed on as it comes if the host asked for that. */
const { setImmediate: turn, setTimeout: sleep } = require("node:timers/promises")
const { count } = require("./args.cjs")
const { maxBodyBytes } = require("./connection.cjs")
const { eventBytes, makeWindow } = require("./window.cjs")

const firstBlock = 4 * 1024
const largestBlock = 64 * 1024

/** More than the pipes of a call can hold. */
const pipesHold = 256 * 1024

/** What a call that has to end may still send, whether or not its window is full. */
const lateBytes = pipesHold

/**
 * @typedef {object} Meter
 * @property {(chunk: Buffer) => void} push
 * @property {() => number} bytes what was let through
 * @property {() => number} seen all that came
 * @property {() => boolean} truncated
 *
 * @typedef {Meter & { readonly chunks: () => ReadonlyArray<Buffer> }} Capture
 */

/**
 * Lets the first `limit` bytes through, or fewer once there is no room for more: what comes after is dropped.
 *
 * @param {number} limit
 * @param {(piece: Buffer) => void} pass the piece is only valid during the call
 * @param {() => number} [room]
 * @returns {Meter}
 */
const makeMeter = (limit, pass, room = () => limit) => {
  let bytes = 0
  let seen = 0
  let truncated = false

  /** @type {Meter["push"]} */
  const push = (chunk) => {
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
 *
 * @param {number} limit
 * @returns {Capture}
 */
const makeCapture = (limit) => {
  /** @type {Array<Buffer>} */
  const blocks = []
  let used = 0

  /** @param {Buffer} piece */
  const keep = (piece) => {
    const last = blocks.at(-1)
    const copied = last === undefined ? 0 : piece.copy(last, used)
    used += copied
    if (copied === piece.length) return
    const size = last === undefined ? piece.length : Math.min(largestBlock, Math.max(firstBlock, last.length * 2))
    if (last !== undefined) blocks.push(Buffer.allocUnsafeSlow(Math.max(size, piece.length - copied)))
    else blocks.push(Buffer.allocUnsafe(size))
    used = piece.copy(/** @type {Buffer} */ (blocks.at(-1)), 0, copied)
  }

  const chunks = () => {
    const last = blocks.pop()
    if (last !== undefined) blocks.push(last.subarray(0, used))
    return blocks
  }

  return { ...makeMeter(limit, keep), chunks }
}

/**
 * @typedef {object} CallOutput
 * @property {Capture} stdout
 * @property {Capture} stderr
 * @property {(event: "stdout" | "stderr" | "result", body: Buffer) => void} tell sends an event
 * @property {(proceed: () => void) => void} whenOpen at once, or when the host has used enough of the events
 * @property {(...sockets: ReadonlyArray<import("node:net").Socket>) => void} from the sockets to pause until then
 * @property {() => void} hurry stops pausing: what is still to come is little, or dropped
 * @property {(done: Promise<unknown>, ms: number) => Promise<void>} settle waits for `done`, or until output was read for
 *   `ms` without it
 * @property {(value: Readonly<Record<string, unknown>>) => import("./operation.cjs").Reply} reply
 */

/**
 * The output of one call. The limit holds for each stream; where it is not passed on, both fit one reply.
 *
 * @param {import("./operation.cjs").Call} call
 * @param {import("./operation.cjs").Agent} agent
 * @returns {CallOutput}
 */
const makeCallOutput = (call, agent) => {
  const wanted = count(call.args, "maxOutputBytes") ?? agent.config.limits.maxOutputBytes
  const flow = makeFlow(call, agent)

  /**
   * @param {"stdout" | "stderr"} event
   * @returns {Capture}
   */
  const capture = (event) => {
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
 *
 * @param {() => number} seen
 * @param {() => boolean} ended
 */
const emptied = async (seen, ended) => {
  const start = seen()
  let before = -1
  while (!ended() && seen() !== before && seen() - start < pipesHold) {
    before = seen()
    await turn()
  }
}

/**
 * Keeps the events of a call within their window: who writes waits in its pipe until the host has used enough of them.
 *
 * @param {import("./operation.cjs").Call} call
 * @param {import("./operation.cjs").Agent} agent
 */
const makeFlow = ({ args, id }, { inputs, output }) => {
  /** @type {ReadonlyArray<import("node:net").Socket>} */
  let sockets = []
  /** @type {Array<() => void>} */
  let waiting = []
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

  /** @type {CallOutput["tell"]} */
  const tell = (event, body) => {
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
    whenOpen: (/** @type {() => void} */ proceed) => paused ? void waiting.push(proceed) : proceed(),
    from: (/** @type {ReadonlyArray<import("node:net").Socket>} */ ...given) => void (sockets = given)
  }
}

module.exports = { makeCapture, makeCallOutput }
