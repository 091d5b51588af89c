/**
 * Files of a sandbox as streams of bytes, with flow control, over callbacks: no effect and no promise per piece. The agent is not
 * trusted to comply: one that sends more than the window, or more than it announced, ends the sandbox.
 */
import * as Either from "effect/Either"
import { fileWindowBytes, makeReceipts } from "../../agentWire/window.js"
import type { CallError, RunningCall, SandboxConnection } from "./connection.js"
import { parsedAnswer } from "./largeAnswer.js"
import type { FileEvent, FileHead, FileRange, FileWrite, SandboxAnswer, SandboxCall, SandboxInput } from "./protocol.js"

export type FileEnd = Either.Either<SandboxAnswer, CallError>

/** What reading a file calls: `onHead` first, `onData` for the bytes, `onEnd` last and once, unless it is cancelled. */
export interface FileReader {
  /** Called instead of all these but `onEnd` for a range of at least `bytes`, if it returns true: then it reads the file itself. */
  readonly handOver?: { readonly bytes: number; readonly onOffer: (fd: number) => boolean } | undefined
  readonly onHead: (head: FileHead, length: number) => void
  readonly onData: (bytes: Uint8Array) => void
  readonly onEnd: (end: FileEnd) => void
}

export interface FileReading {
  /** To be called for the bytes that were given, once they are not needed any more. */
  readonly consumed: (bytes: number) => void
  readonly cancel: () => void
}

/** What writing a file calls: `onRoom` when more may be sent again, `onEnd` once, unless it is cancelled. */
export interface FileWriter {
  readonly onRoom: () => void
  readonly onEnd: (end: FileEnd) => void
}

export interface FileWriting {
  /** Returns whether there is room for more. The bytes must not be changed before `onTaken`. */
  readonly send: (bytes: Uint8Array, onTaken?: () => void) => boolean
  /** All was sent: the file gets its name. */
  readonly end: () => void
  /** Nothing is left of what was sent. */
  readonly cancel: () => void
}

/** How long an agent may take for its next step. */
const stallMs = 120_000

/** What writing a file oneself calls: `onOffer` for the open file first, `onEnd` last and once, unless it is cancelled. */
export interface HandedWriter {
  readonly onOffer: (fd: number) => void
  readonly onEnd: (end: FileEnd) => void
}

export interface HandedWriting {
  /** So many bytes were written: the file gets its name. */
  readonly commit: (bytes: number) => void
  /** Ends it: then nothing is left of what was written. */
  readonly giveUp: () => void
  /** Gives it up without waiting for its end. */
  readonly cancel: () => void
}

type FileCall = Extract<SandboxCall, { readonly op: "streamRead" | "streamWrite" | "handWrite" }>

/** The call, and whether it makes progress while that is up to the agent. */
const start = (
  connection: SandboxConnection,
  call: FileCall,
  isUpToAgent: () => boolean,
  { onEnd, onEvent }: { readonly onEvent: (event: FileEvent) => void; readonly onEnd: (end: FileEnd) => void }
): RunningCall => {
  const check = () => {
    if (isUpToAgent() && !connection.isBehind) connection.end(`its agent did not go on with ${call.op} in time`)
    else stall.refresh()
  }
  const stall = setTimeout(check, stallMs).unref()
  const running = connection.start(call, undefined, {
    onFile: (event) => {
      stall.refresh()
      onEvent(event)
    },
    onEnd: (end) => {
      clearTimeout(stall)
      onEnd(Either.map(end, parsedAnswer))
    }
  })
  return {
    send: (...input) => {
      stall.refresh()
      running.send(...input)
    },
    cancel: () => {
      clearTimeout(stall)
      running.cancel()
    }
  }
}

export const readFile = (connection: SandboxConnection) =>
(
  range: FileRange,
  { handOver, onData, onEnd, onHead }: FileReader
): FileReading => {
  let length: number | undefined
  let isOffered = false
  let isTaken = false
  let [received, unread] = [0, 0]
  const onFile = (event: FileEvent): boolean => {
    if (event.event === "descriptor") {
      if (handOver === undefined || isOffered || length !== undefined) return false
      isOffered = true
      isTaken = handOver.onOffer(event.fd)
      running.send({ taken: isTaken })
      return true
    }
    if (event.event === "file") {
      if (length !== undefined || isTaken) return false
      length = Math.max(0, Math.min(range.length ?? Infinity, event.size - range.offset))
      onHead(event, length)
      return true
    }
    if (event.event !== "data" || length === undefined) return false
    received += event.body.length
    unread += event.body.length
    if (received > length || unread > fileWindowBytes) return false
    onData(event.body)
    return true
  }
  const call = { op: "streamRead" as const, ...range, handOver: handOver?.bytes }
  const running = start(connection, call, () => unread < fileWindowBytes, {
    onEvent: (event) => {
      if (!onFile(event)) connection.end("its agent sent more of a file than it was asked for")
    },
    onEnd: (end) => {
      if (Either.isLeft(end) || isTaken || received === length) return onEnd(end)
      connection.end("its agent sent less of a file than it announced")
      void connection.lost.then((loss) => onEnd(Either.left(loss)))
    }
  })
  const acknowledge = makeReceipts((consumed) => running.send({ consumed }), fileWindowBytes)
  return {
    consumed: (bytes) => {
      unread -= bytes
      acknowledge(bytes)
    },
    cancel: running.cancel
  }
}

export const writeFile =
  (connection: SandboxConnection) => (file: FileWrite, { onEnd, onRoom }: FileWriter): FileWriting => {
    let [ahead, isComplete] = [0, false]
    const isFull = () => ahead >= fileWindowBytes
    const running = start(connection, { op: "streamWrite", ...file }, () => isComplete || isFull(), {
      onEvent: (event) => {
        if (event.event !== "consumed" || event.bytes > ahead) {
          return connection.end("its agent has written more of a file than it was given")
        }
        const wasFull = isFull()
        ahead -= event.bytes
        if (wasFull && !isFull()) onRoom()
      },
      onEnd
    })
    return {
      send: (bytes, onTaken) => {
        ahead += bytes.length
        running.send({}, bytes, undefined, onTaken)
        return !isFull()
      },
      end: () => {
        isComplete = true
        running.send({ last: true })
      },
      cancel: running.cancel
    }
  }

/** A file that is written to by way of the descriptor that the agent offers. */
export const handWrite =
  (connection: SandboxConnection) => (file: FileWrite, { onEnd, onOffer }: HandedWriter): HandedWriting => {
    let [isOffered, isComplete] = [false, false]
    const running = start(connection, { op: "handWrite", ...file }, () => !isOffered || isComplete, {
      onEvent: (event) => {
        if (event.event !== "descriptor" || isOffered) {
          return connection.end("its agent offered a file that nobody asked for")
        }
        isOffered = true
        onOffer(event.fd)
      },
      onEnd
    })
    const complete = (input: SandboxInput) => {
      isComplete = true
      running.send(input)
    }
    return {
      commit: (written) => complete({ written }),
      giveUp: () => complete({ givenUp: true }),
      cancel: running.cancel
    }
  }
