// @ts-check
"use strict"

/**
 * The agent's end of the connection to the host. Frames are taken apart as they arrive and bodies are handed on piece by
 * piece, because this process forks for every command and a fork costs what the process holds.
 */
const fs = require("node:fs")
const net = require("node:net")
const { encode, maxFrameBytes } = require("./frames.cjs")

/** The one buffer that sockets and pipes are read into: what a read brings is used up before the next read starts. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

const fileBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** The largest body of a reply, which leaves room for its JSON part. */
const maxBodyBytes = maxFrameBytes - 1024 * 1024

/**
 * @typedef {{ readonly write: (chunk: Buffer) => void, readonly end: () => void }} Sink
 * @typedef {(id: number, json: unknown) => Sink | undefined} OnFrame
 */

/**
 * Takes frames apart. `onFrame` is called as soon as the JSON part is there; the sink it returns receives the body.
 * Throws on a malformed frame.
 *
 * @param {OnFrame} onFrame
 * @returns {(chunk: Buffer) => void}
 */
const frameParser = (onFrame) => {
  const head = Buffer.alloc(12)
  let filled = 0
  let json = head
  let bodyLeft = 0
  /** @type {Sink | undefined} */
  let sink

  /** @param {Buffer} chunk */
  const takeHead = (chunk) => {
    const taken = chunk.copy(head, filled)
    filled += taken
    if (filled < head.length) return taken
    const length = head.readUInt32BE(0)
    const jsonLength = head.readUInt32BE(8)
    if (length > maxFrameBytes || jsonLength === 0 || jsonLength > length - 8) throw new RangeError("malformed frame")
    json = Buffer.allocUnsafe(jsonLength)
    bodyLeft = length - 8 - jsonLength
    filled = 0
    step = takeJson
    return taken
  }

  /** @param {Buffer} chunk */
  const takeJson = (chunk) => {
    const taken = chunk.copy(json, filled)
    filled += taken
    if (filled < json.length) return taken
    sink = onFrame(head.readUInt32BE(4), JSON.parse(json.toString("utf8")))
    json = head
    step = takeBody
    if (bodyLeft === 0) finish()
    return taken
  }

  /** @param {Buffer} chunk */
  const takeBody = (chunk) => {
    const part = chunk.subarray(0, bodyLeft)
    bodyLeft -= part.length
    sink?.write(part)
    if (bodyLeft === 0) finish()
    return part.length
  }

  const finish = () => {
    const ended = sink
    sink = undefined
    filled = 0
    step = takeHead
    ended?.end()
  }

  let step = takeHead
  return (chunk) => {
    for (let at = 0; at < chunk.length;) at += step(chunk.subarray(at))
  }
}

/**
 * Reads a socket, pipe or FIFO to its end through the shared buffer.
 *
 * @param {number} fd
 * @param {(chunk: Buffer) => void} onChunk
 * @param {() => void} onEnd
 * @returns {net.Socket} paused and resumed by its own methods
 */
const readAll = (fd, onChunk, onEnd) => {
  const onread = {
    buffer: readBuffer,
    callback: (/** @type {number} */ size) => {
      onChunk(readBuffer.subarray(0, size))
      return !socket.isPaused()
    }
  }
  const options = { fd, readable: true, writable: false, onread }
  /** @type {net.Socket} */
  const socket = new net.Socket(options)
  socket.on("error", () => socket.destroy())
  socket.on("close", onEnd)
  return socket
}

/**
 * @typedef {object} Output
 * @property {(id: number, json: unknown, body?: ReadonlyArray<Uint8Array>) => void} send
 * @property {(id: number, json: unknown, fd: number, offset: number, length: number) => void} sendFile sends a range of
 *   a file and closes it
 */

/**
 * The writing side. Frames leave in the order of the calls; while the body of a file is on its way the others wait.
 *
 * @param {number} fd
 * @param {() => void} onBroken
 * @returns {Output}
 */
const makeOutput = (fd, onBroken) => {
  const socket = new net.Socket({ fd, readable: false, writable: true })
  /** @type {Array<() => void> | undefined} */
  let held

  /** @type {Output["send"]} */
  const send = (id, json, body = []) => {
    if (held !== undefined) {
      held.push(() => send(id, json, body))
      return
    }
    const bytes = body.reduce((sum, chunk) => sum + chunk.length, 0)
    socket.cork()
    socket.write(header(id, json, bytes))
    for (const chunk of body) if (chunk.length > 0) socket.write(chunk)
    socket.uncork()
  }

  /** @type {Output["sendFile"]} */
  const sendFile = (id, json, file, offset, length) => {
    if (held !== undefined) {
      held.push(() => sendFile(id, json, file, offset, length))
      return
    }
    held = []
    socket.write(header(id, json, length))
    copyRange(socket, file, offset, length).finally(() => fs.closeSync(file)).then(release, onBroken)
  }

  const release = () => {
    const jobs = held ?? []
    held = undefined
    for (const job of jobs) job()
  }

  socket.on("error", onBroken)
  return { send, sendFile }
}

/**
 * The part of a frame in front of its body.
 *
 * @param {number} id
 * @param {unknown} json
 * @param {number} bodyBytes
 */
const header = (id, json, bodyBytes) => {
  const [part] = encode(id, json)
  if (part === undefined || part.length + bodyBytes > maxFrameBytes) return header(id, tooLarge, bodyBytes)
  const view = new DataView(part.buffer, part.byteOffset)
  view.setUint32(0, view.getUint32(0) + bodyBytes)
  return part
}

const tooLarge = { ok: false, code: "EFBIG", message: `The reply is larger than ${maxFrameBytes} bytes` }

/**
 * @param {net.Socket} socket
 * @param {number} file
 * @param {number} offset
 * @param {number} length
 */
const copyRange = async (socket, file, offset, length) => {
  for (let done = 0; done < length;) {
    const wanted = Math.min(length - done, fileBuffer.length)
    const read = fs.readSync(file, fileBuffer, 0, wanted, offset + done)
    // The length is announced by now: a file that shrinks meanwhile reads as zeros, as in a memory map.
    if (read === 0) fileBuffer.fill(0, 0, wanted)
    const part = fileBuffer.subarray(0, read === 0 ? wanted : read)
    await new Promise((resolve, reject) => socket.write(part, (error) => error ? reject(error) : resolve(undefined)))
    done += part.length
  }
}

module.exports = { readBuffer, maxBodyBytes, frameParser, readAll, makeOutput }
