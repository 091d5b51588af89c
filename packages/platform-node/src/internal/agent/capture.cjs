// @ts-check
"use strict"

/** What a call writes to its two streams: kept up to a limit, and passed on as it comes if the host asked for that. */
const { setImmediate: turn, setTimeout: sleep } = require("node:timers/promises")
const { count } = require("./args.cjs")
const { maxBodyBytes } = require("./connection.cjs")

const firstBlock = 4 * 1024
const largestBlock = 64 * 1024

/** More than the pipes of a call can hold. */
const pipesHold = 256 * 1024

/**
 * @typedef {object} Capture
 * @property {(chunk: Buffer) => void} push
 * @property {() => ReadonlyArray<Buffer>} chunks
 * @property {() => number} bytes
 * @property {() => number} seen all that came, kept or not
 * @property {() => boolean} truncated
 */

/**
 * Keeps the first `limit` bytes and tells `onKept` of each piece it keeps; the rest is dropped. Small chunks share blocks,
 * so that a million short lines do not become a million buffers.
 *
 * @param {number} limit
 * @param {(piece: Buffer) => void} [onKept] the piece is only valid during the call
 * @returns {Capture}
 */
const makeCapture = (limit, onKept) => {
  /** @type {Array<Buffer>} */
  const blocks = []
  let used = 0
  let bytes = 0
  let seen = 0
  let truncated = false

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

  /** @type {Capture["push"]} */
  const push = (chunk) => {
    seen += chunk.length
    const piece = chunk.subarray(0, limit - bytes)
    if (piece.length < chunk.length) truncated = true
    if (piece.length === 0) return
    keep(piece)
    bytes += piece.length
    onKept?.(piece)
  }

  const chunks = () => {
    const last = blocks.pop()
    if (last !== undefined) blocks.push(last.subarray(0, used))
    return blocks
  }

  return { push, chunks, bytes: () => bytes, seen: () => seen, truncated: () => truncated }
}

/**
 * @typedef {object} CallOutput
 * @property {Capture} stdout
 * @property {Capture} stderr
 * @property {(...sockets: ReadonlyArray<import("node:net").Socket>) => void} from the sockets to pause while the host is
 *   slow to take events
 * @property {() => void} hurry stops pausing: what is still to come is bounded by the limits
 * @property {(done: Promise<unknown>, ms: number) => Promise<void>} settle waits for `done`, or until output was read for
 *   `ms` without it
 * @property {(value: Readonly<Record<string, unknown>>) => import("./operation.cjs").Reply} reply
 */

/**
 * The output of one call. The limit holds for each stream; together they fit one reply.
 *
 * @param {import("./operation.cjs").Call} call
 * @param {import("./operation.cjs").Agent} agent
 * @returns {CallOutput}
 */
const makeCallOutput = (call, { config, output }) => {
  const limit = Math.min(count(call.args, "maxOutputBytes") ?? config.limits.maxOutputBytes, maxBodyBytes / 4)
  const flow = makeFlow(output)

  /** @param {"stdout" | "stderr"} event */
  const capture = (event) =>
    makeCapture(
      limit,
      call.args["stream"] === true ?
        (piece) => {
          output.send(call.id, { event }, [Buffer.from(piece)])
          flow.check()
        } :
        undefined
    )
  const stdout = capture("stdout")
  const stderr = capture("stderr")

  return {
    stdout,
    stderr,
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

/** @param {import("./connection.cjs").Output} output */
const makeFlow = (output) => {
  /** @type {ReadonlyArray<import("node:net").Socket>} */
  let sockets = []
  let paused = false
  let hurried = false

  const resume = () => {
    paused = false
    for (const socket of sockets) socket.resume()
  }
  const check = () => {
    if (paused || hurried || !output.congested()) return
    paused = true
    for (const socket of sockets) socket.pause()
    output.whenDrained(() => paused && resume())
  }
  const hurry = () => {
    hurried = true
    if (paused) resume()
  }
  return {
    check,
    hurry,
    paused: () => paused,
    from: (/** @type {ReadonlyArray<import("node:net").Socket>} */ ...given) => void (sockets = given)
  }
}

module.exports = { makeCapture, makeCallOutput }
