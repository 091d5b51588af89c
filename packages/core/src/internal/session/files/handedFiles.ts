/**
 * Files that a server on the same machine hands over: it opens them for this process, which then reads and writes them itself. Where
 * that is not possible, they go over the route for their bytes.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ToolError } from "../../../AgbError.js"
import type { TransferReply } from "../../client/transport/exchange.js"
import {
  type Access,
  leastHandedBytes,
  type Peer,
  type SharedFile,
  type SystemFailure,
  type Ticket
} from "../../client/transport/handover.js"
import { fileBytesRoute } from "../../wire/results/fileTexts.js"
import { type FileSystemError, fromText } from "../fileErrors.js"
import {
  changed,
  checkSize,
  type FileRequest,
  type FileRequests,
  retrySafetyOf,
  writeQuery,
  writtenOf
} from "./fileRequests.js"
import type { OpenFile, OpenRange, WriteOptions } from "./fileRoute.js"
import { cut } from "./pieces.js"
import { type Buffers, buffersOf } from "./recycling.js"
import { pieceBytes } from "./sending.js"

/** How long the end of a write that was given up is waited for. */
const discardTime = "2 seconds"

/** What the agent of a session says where the system refuses to write. */
const refusals: Readonly<Record<string, string>> = {
  ENOSPC: "ENOSPC: No space left on device",
  EDQUOT: "ENOSPC: Disk quota exceeded",
  EFBIG: "EFBIG: File too large",
  EIO: "EFAIL: Input or output error (EIO)"
}

const asFileError = (operation: string, path: string) => ({ code }: SystemFailure): FileSystemError =>
  fromText(
    new ToolError({ operation, tool: fileBytesRoute, detail: `${refusals[code] ?? `EFAIL: ${code}`}: ${path}` }),
    [path]
  )

type Head = Pick<TransferReply, "headers">

/** Whether the server hands over the file, and thus sends nothing of it. */
export const isHanded = ({ headers }: Head): boolean => headers["x-file-descriptor"] !== undefined

export class HandedFiles {
  readonly #requests: FileRequests
  readonly #peer: Peer
  /** It did not work for this session, and is not tried again. */
  #isOff = false

  constructor(requests: FileRequests, peer: Peer) {
    this.#requests = requests
    this.#peer = peer
  }

  /** A ticket for a file of which up to so many bytes are needed. */
  ticket(bytes: number): Effect.Effect<Option.Option<Ticket>, never, Scope.Scope> {
    return this.#isOff || bytes < leastHandedBytes
      ? Effect.succeedNone
      : this.#peer.ticket(this.#requests.sessionId)
  }

  /** The range of a file that was handed over; none if it cannot be opened. */
  range(
    { operation, path }: Pick<FileRequest<never>, "operation" | "path">,
    ticket: Ticket,
    reply: Head,
    offset: number,
    bytesToRead: number
  ): Effect.Effect<Option.Option<OpenRange>, never, Scope.Scope> {
    return Effect.gen(this, function*() {
      const file = yield* this.#opened(ticket, reply, "read")
      const buffers = buffersOf(this.#requests.client)
      return Option.map(file, (file) => rangeOf({ operation, path, file, offset, bytesToRead, buffers }))
    })
  }

  /** A file to be written, of which nothing is left unless it is committed; none where the server does not hand it over. */
  open(
    operation: string,
    path: string,
    options: WriteOptions
  ): Effect.Effect<Option.Option<OpenFile>, FileSystemError, Scope.Scope> {
    return Effect.flatten(this.begin(operation, path, options))
  }

  /** Begins to open such a file, and gives how to wait for it. */
  begin(
    operation: string,
    path: string,
    options: WriteOptions
  ): Effect.Effect<Effect.Effect<Option.Option<OpenFile>, FileSystemError, Scope.Scope>, never, Scope.Scope> {
    return Effect.gen(this, function*() {
      const ticket = yield* this.ticket(Infinity)
      if (Option.isNone(ticket)) return Effect.succeedNone
      const headers = { "x-file-handover": ticket.value.header }
      const opening = {
        operation,
        path,
        action: "/open",
        query: writeQuery(options),
        headers,
        retrySafety: "safe"
      } as const
      let isEnded = false
      const close = (reply: Head) =>
        Effect.suspend(() => {
          if (isEnded) return Effect.void
          isEnded = true
          return this.#close(operation, path, reply)
        })
      // Whoever is interrupted while it is opened gives it up as well: the server may have opened it, and said so too late.
      const asked = yield* Effect.acquireRelease(
        Effect.forkDaemon(Effect.interruptible(this.#requests.ask(opening))),
        (asked) => isEnded ? Effect.void : discarded(Effect.flatMap(Fiber.join(asked), close))
      )
      return Effect.gen(this, function*() {
        const reply = yield* Fiber.join(asked)
        const file = yield* this.#opened(ticket.value, reply, options.mode === "append" ? "append" : "write")
        // What is given up later would undo what was written meanwhile.
        if (Option.isNone(file)) yield* discarded(close(reply))
        return Option.map(file, (file) => {
          const commit = (size: number) =>
            Effect.suspend(() => {
              isEnded = true
              return this.#commit(operation, path, options, reply, size)
            })
          return writable(operation, path, file, commit)
        })
      })
    })
  }

  #opened(
    ticket: Ticket,
    reply: Head,
    access: Access
  ): Effect.Effect<Option.Option<SharedFile>, never, Scope.Scope> {
    return Effect.tap(ticket.open(reply.headers, access), (file) =>
      Effect.sync(() => {
        this.#isOff ||= Option.isNone(file) && isHanded(reply) || reply.headers["x-file-handover"] === "no"
      }))
  }

  #commit(
    operation: string,
    path: string,
    options: WriteOptions,
    reply: Head,
    size: number
  ): Effect.Effect<void, FileSystemError> {
    const query = { id: idOf(reply), bytes: String(size) }
    return Effect.flatMap(
      this.#requests.ask({ operation, path, action: "/commit", query, retrySafety: retrySafetyOf(options) }),
      ({ body }) => checkSize(operation, path, writtenOf(body), size)
    )
  }

  /** Gives up a file that was to be written. */
  #close(operation: string, path: string, reply: Head): Effect.Effect<unknown, FileSystemError> {
    const id = idOf(reply)
    return id === ""
      ? Effect.void
      : this.#requests.ask({ operation, path, action: "/close", query: { id }, retrySafety: "safe" })
  }
}

const writable = (
  operation: string,
  path: string,
  file: SharedFile,
  commit: (size: number) => Effect.Effect<void, FileSystemError>
): OpenFile => {
  let size = 0
  const write = (piece: Uint8Array) =>
    Effect.suspend(() => {
      const at = size
      size += piece.length
      return file.write(piece, at)
    })
  return {
    write: (bytes) =>
      Effect.mapError(Effect.forEach(cut(bytes, pieceBytes), write, { discard: true }), asFileError(operation, path)),
    commit: Effect.suspend(() => commit(size))
  }
}

/** Goes on in the background where it takes long. */
const discarded = (discard: Effect.Effect<unknown, FileSystemError>): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.forkDaemon(Effect.interruptible(discard)),
    (discarding) => Effect.ignore(Effect.timeout(Effect.interruptible(Fiber.join(discarding)), discardTime))
  )

const idOf = ({ headers }: Head): string => {
  const id = headers["x-file-id"]
  return typeof id === "string" ? id : ""
}

interface Range {
  readonly operation: string
  readonly path: string
  readonly file: SharedFile
  readonly offset: number
  readonly bytesToRead: number
  readonly buffers: Buffers
}

const rangeOf = ({ buffers, bytesToRead, file, offset, operation, path }: Range): OpenRange => {
  const length = Math.max(0, Math.min(bytesToRead, file.size - offset))
  const readAt = (target: Uint8Array, found: number): Effect.Effect<number, FileSystemError> =>
    Effect.matchEffect(file.read(target, offset + found), {
      onFailure: (failure) => Effect.fail(asFileError(operation, path)(failure)),
      onSuccess: (read) => read === 0 ? Effect.fail(changed(operation, path, found, length)) : Effect.succeed(read)
    })
  const pull = () => {
    let found = 0
    return Effect.suspend(() => {
      if (found === length) return Effect.succeed(new Uint8Array(0))
      const buffer = buffers.take().subarray(0, length - found)
      return Effect.map(readAt(buffer, found), (read) => {
        found += read
        return buffer.subarray(0, read)
      })
    })
  }
  const bytes = Stream.suspend(() => Stream.takeWhile(Stream.repeatEffect(pull()), (piece) => piece.length > 0))
  const fill = (target: Uint8Array, found = 0): Effect.Effect<void, FileSystemError> =>
    found === length ? Effect.void : Effect.flatMap(
      readAt(target.subarray(found, Math.min(length, found + pieceBytes)), found),
      (read) => fill(target, found + read)
    )
  return {
    size: file.size,
    length,
    mode: file.mode & 0o7777,
    mtime: file.mtime,
    isStable: file.isUnchanged,
    bytes,
    pull,
    fill,
    release: buffers.giveBack
  }
}
