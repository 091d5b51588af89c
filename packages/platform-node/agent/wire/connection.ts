/**
 * The agent's end of the connection to the host. Frames are parsed incrementally and bodies are passed on in chunks
 * instead of being buffered, because this process forks for every command and a fork costs time in proportion to its memory.
 */
import { closeSync, readSync } from "node:fs"
import { Socket } from "node:net"
import { encode, maxFrameBytes } from "../../src/internal/agentWire/frames.js"

/** Shared by all sockets and pipes: each chunk is consumed or copied before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

const fileBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** The largest body of a reply: leaves room for its JSON part. */
export const maxBodyBytes = maxFrameBytes - 1024 * 1024

export type Sink = { readonly write: (chunk: Buffer) => void; readonly end: () => void }

export type OnFrame = (id: number, json: unknown) => Sink | undefined

/**
 * Parses frames incrementally. `onFrame` is called once the JSON part is complete; the sink that it returns receives the
 * body. Throws on a malformed frame.
 */
export const frameParser = (onFrame: OnFrame): (chunk: Buffer) => void => {
  const head = Buffer.alloc(12)
  let filled = 0
  let json = head
  let bodyLeft = 0
  let sink: Sink | undefined

  const parseHead = (chunk: Buffer) => {
    const taken = chunk.copy(head, filled)
    filled += taken
    if (filled < head.length) return taken
    const length = head.readUInt32BE(0)
    const jsonLength = head.readUInt32BE(8)
    if (length > maxFrameBytes || jsonLength === 0 || jsonLength > length - 8) throw new RangeError("malformed frame")
    json = Buffer.allocUnsafe(jsonLength)
    bodyLeft = length - 8 - jsonLength
    filled = 0
    step = parseJson
    return taken
  }

  const parseJson = (chunk: Buffer) => {
    const taken = chunk.copy(json, filled)
    filled += taken
    if (filled < json.length) return taken
    sink = onFrame(head.readUInt32BE(4), JSON.parse(json.toString("utf8")))
    json = head
    step = parseBody
    if (bodyLeft === 0) finish()
    return taken
  }

  const parseBody = (chunk: Buffer) => {
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
    step = parseHead
    ended?.end()
  }

  let step = parseHead
  return (chunk) => {
    for (let at = 0; at < chunk.length;) at += step(chunk.subarray(at))
  }
}

/** Reads a socket, pipe or FIFO to its end through the shared buffer. The socket can be paused and resumed. */
export const readAll = (fd: number, onChunk: (chunk: Buffer) => void, onEnd: () => void): Socket => {
  const onread = {
    buffer: readBuffer,
    callback: (size: number) => {
      onChunk(readBuffer.subarray(0, size))
      return !socket.isPaused()
    }
  }
  const options = { fd, readable: true, writable: false, onread }
  const socket: Socket = new Socket(options)
  socket.on("error", () => socket.destroy())
  socket.on("close", onEnd)
  return socket
}

export interface Output {
  readonly send: (id: number, json: unknown, body?: ReadonlyArray<Uint8Array>) => void
  /** Sends a range of a file and closes it. */
  readonly sendFile: (id: number, json: unknown, fd: number, offset: number, length: number) => void
}

/** The writing side. Frames are sent in call order: while the contents of a file are being sent, later ones are queued. */
export const makeOutput = (fd: number, onError: () => void): Output => {
  const socket = new Socket({ fd, readable: false, writable: true })
  let queued: Array<() => void> | undefined

  const send: Output["send"] = (id, json, body = []) => {
    if (queued !== undefined) {
      queued.push(() => send(id, json, body))
      return
    }
    const bytes = body.reduce((sum, chunk) => sum + chunk.length, 0)
    socket.cork()
    socket.write(header(id, json, bytes))
    for (const chunk of body) if (chunk.length > 0) socket.write(chunk)
    socket.uncork()
  }

  const sendFile: Output["sendFile"] = (id, json, file, offset, length) => {
    if (queued !== undefined) {
      queued.push(() => sendFile(id, json, file, offset, length))
      return
    }
    queued = []
    socket.write(header(id, json, length))
    copyRange(socket, file, offset, length).finally(() => closeSync(file)).then(flushQueue, onError)
  }

  const flushQueue = () => {
    const jobs = queued ?? []
    queued = undefined
    for (const job of jobs) job()
  }

  socket.on("error", onError)
  return { send, sendFile }
}

/** A frame without its body. */
const header = (id: number, json: unknown, bodyBytes: number) => {
  const [part] = encode(id, json)
  if (part === undefined || part.length + bodyBytes > maxFrameBytes) return header(id, tooLarge, bodyBytes)
  const view = new DataView(part.buffer, part.byteOffset)
  view.setUint32(0, view.getUint32(0) + bodyBytes)
  return part
}

const tooLarge = { ok: false, code: "EFBIG", message: `The reply is larger than ${maxFrameBytes} bytes` }

const copyRange = async (socket: Socket, file: number, offset: number, length: number) => {
  for (let done = 0; done < length;) {
    const wanted = Math.min(length - done, fileBuffer.length)
    const read = readSync(file, fileBuffer, 0, wanted, offset + done)
    // The length was sent already: if the file has shrunk since, the rest is zeros, as in a memory map.
    if (read === 0) fileBuffer.fill(0, 0, wanted)
    const part = fileBuffer.subarray(0, read === 0 ? wanted : read)
    await new Promise((resolve, reject) => socket.write(part, (error) => error ? reject(error) : resolve(undefined)))
    done += part.length
  }
}
