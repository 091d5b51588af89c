/**
 * Files that are read and written as streams. The sender stays within a window ahead of what the receiver has acknowledged, so
 * that a slow client holds up nothing but its own file.
 */
import { closeSync, constants, fstatSync, readSync, type Stats } from "node:fs"
import { filePieceBytes, fileWindowBytes, makeReceipts } from "../../src/internal/agentWire/window.js"
import { countArg, pathArg } from "../wire/args.js"
import { Failure, mapErrors } from "../wire/failure.js"
import type { Agent, Call, Operation, Reply } from "../wire/operation.js"
import { handOver, writtenTo } from "./handedFile.js"
import { readWhole } from "./readFile.js"
import { openRegular } from "./regularFile.js"
import { type FileUpload, receiveFile } from "./writeFile.js"

/** Each holds a descriptor. */
const maxOpen = 128

let open = 0

const bounded = async (run: () => Promise<Reply>): Promise<Reply> => {
  if (open >= maxOpen) throw new Failure("EMFILE", `More than ${maxOpen} files are being read and written`)
  open++
  try {
    return await run()
  } finally {
    open--
  }
}

const cancelled = new Failure("ECANCELED", "Operation canceled")

interface Source {
  readonly stat: Stats
  readonly size: number
  /** Fills the target with bytes at a position of the file. */
  readonly fill: (target: Buffer, position: number) => void
  /** Whether the file is as it was when it was opened. */
  readonly isStable: () => boolean
}

/** Files below /proc, among others, report a size of zero. */
const sourceOf = (file: string, fd: number, stat: Stats): Source => {
  if (stat.size === 0) {
    const all = mapErrors(file, () => readWhole(fd, file))
    return { stat, size: all.length, fill: (target, at) => void all.copy(target, 0, at), isStable: () => true }
  }
  return {
    stat,
    size: stat.size,
    fill: (target, position) => {
      for (let done = 0; done < target.length;) {
        const read = mapErrors(file, () => readSync(fd, target, done, target.length - done, position + done))
        if (read === 0) throw new Failure("EIO", `It has become shorter while it was read: ${file}`)
        done += read
      }
    },
    isStable: () => {
      const { ctimeMs, mtimeMs, size } = fstatSync(fd)
      return size === stat.size && mtimeMs === stat.mtimeMs && ctimeMs === stat.ctimeMs
    }
  }
}

interface Range {
  readonly offset: number
  readonly length: number
}

/** Sends a range in pieces within the window. */
const sendRange = ({ fill }: Source, { length, offset }: Range, { id, signal }: Call, { inputs, output }: Agent) =>
  new Promise<Reply>((resolve, reject) => {
    // What is in it has not been acknowledged, and may still have to be sent.
    const ring = Buffer.allocUnsafeSlow(fileWindowBytes)
    let [sent, acknowledged] = [0, 0]
    const pump = () => {
      try {
        while (sent < length) {
          const bytes = Math.min(filePieceBytes, length - sent)
          if (sent + bytes - acknowledged > fileWindowBytes) return
          const piece = ring.subarray(sent % fileWindowBytes, sent % fileWindowBytes + bytes)
          fill(piece, offset + sent)
          output.send(id, { event: "data" }, [piece])
          sent += bytes
        }
        resolve({ value: null })
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener("abort", () => reject(cancelled))
    inputs.set(id, (input) => {
      acknowledged += countArg(input, "consumed") ?? 0
      pump()
      return undefined
    })
    pump()
  })

/**
 * The event `file` describes the file; then come events `data` with the whole range, and the answer. Where the range fits the
 * window, `file` also says whether the file stayed as it was while it was read. A range of at least `handOver` bytes is offered
 * to the host first; if it takes the file, nothing is sent.
 */
export const streamRead: Operation = (call, agent) =>
  bounded(async () => {
    const { args, id } = call
    const file = pathArg(args, "path")
    const offset = countArg(args, "offset") ?? 0
    const { fd, stat } = mapErrors(file, () => openRegular(file, constants.O_RDONLY))
    try {
      const source = sourceOf(file, fd, stat)
      const length = Math.max(0, Math.min(countArg(args, "length") ?? Infinity, source.size - offset))
      const isOffered = stat.size > 0 && length >= (countArg(args, "handOver") ?? Infinity)
      if (isOffered && await handOver(fd, call, agent)) return { value: null }
      const head = { event: "file", size: source.size, mode: stat.mode & 0o7777, mtimeMs: stat.mtime.getTime() }
      if (length > fileWindowBytes) {
        agent.output.send(id, { ...head, isStable: false })
        return await sendRange(source, { offset, length }, call, agent)
      }
      const all = Buffer.allocUnsafeSlow(length)
      source.fill(all, offset)
      agent.output.send(id, { ...head, isStable: source.isStable() })
      if (length > 0) agent.output.send(id, { event: "data" }, [all])
      return { value: null }
    } finally {
      closeSync(fd)
    }
  })

/** Once the answer is there, the file has its name. */
const committed = async (file: FileUpload): Promise<Reply> => file.end()

/** The host writes the content itself. What was not committed is undone. */
export const handWrite: Operation = (call, agent) =>
  bounded(async () => {
    const file = receiveFile(call.args)
    const [fd, failure] = [file.fd(), file.failure()]
    if (fd === undefined || failure !== undefined) throw failure ?? cancelled
    let written: number
    try {
      written = await writtenTo(fd, call, agent)
    } catch (error) {
      file.abort()
      throw error
    }
    return file.endHanded(written)
  })

/** The content comes as input, whose end is `last`. */
export const streamWrite: Operation = ({ args, id, signal }, { inputs, output }) =>
  bounded(() => {
    const file = receiveFile(args)
    return new Promise<Reply>((resolve, reject) => {
      const acknowledge = makeReceipts((bytes) => output.send(id, { event: "consumed", bytes }), fileWindowBytes)
      let isOpen = true
      const abandon = (error: Failure) => {
        if (!isOpen) return
        isOpen = false
        file.abort()
        reject(error)
      }
      const finish = () => {
        isOpen = false
        resolve(committed(file))
      }
      const goOn = (isLast: boolean) => {
        const failure = file.failure()
        if (failure !== undefined) abandon(failure)
        else if (isLast) finish()
      }
      signal.addEventListener("abort", () => abandon(cancelled))
      inputs.set(id, (input) => {
        let bytes = 0
        return {
          write: (chunk) => {
            if (isOpen) file.write(chunk)
            bytes += chunk.length
          },
          end: () => {
            if (!isOpen) return
            acknowledge(bytes)
            goOn(input["last"] === true)
          }
        }
      })
      goOn(false)
    })
  })
