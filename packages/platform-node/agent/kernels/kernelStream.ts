/**
 * One output stream of a kernel. What was written before a reply is already in the pipe when the reply arrives and is read
 * synchronously then. What threads and timers write between two runs belongs to neither and is kept for the next one to tell.
 */
import { readSync } from "node:fs"
import { type Capture, makeCapture } from "../process/capture.js"
import type { Pipe, Pipes } from "../process/pipes.js"

/** Consecutive reads of a pipe: together more than the largest pipe holds. */
const maxReads = 32

/** Not the buffer shared by all sockets: output is drained while a reply in that one is being processed. */
const drainBuffer = Buffer.allocUnsafeSlow(64 * 1024)

export const makeKernelStream = (pipes: Pipes, pipe: Pipe, limit: number) => {
  let unclaimed = makeCapture(limit)
  let target = unclaimed

  const push = (chunk: Buffer) => {
    target.push(chunk)
    if (target === unclaimed && unclaimed.truncated()) socket.pause()
  }
  const socket = pipes.read(pipe, push, () => {})

  const drain = () => {
    for (let reads = 0; reads < maxReads && !socket.destroyed; reads++) {
      const size = readAvailable(pipe.ours)
      if (size === 0) return
      push(drainBuffer.subarray(0, size))
    }
  }

  /** Returns what was written since the last run. */
  const begin = (capture: Capture): ReadonlyArray<Buffer> => {
    target = capture
    socket.resume()
    return unclaimed.chunks()
  }

  const end = () => {
    drain()
    target = unclaimed = makeCapture(limit)
    socket.resume()
  }

  /** What was written outside any run, as text. */
  const readUnclaimed = () => {
    drain()
    return Buffer.concat(unclaimed.chunks()).toString("utf8")
  }

  return { socket, begin, drain, end, readUnclaimed }
}

/** Usually nothing is available (EAGAIN); an error without a stack costs a fifth of one with a stack. */
const readAvailable = (fd: number) => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return readSync(fd, drainBuffer)
  } catch {
    return 0
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
