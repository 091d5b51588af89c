/**
 * Files by way of the route that a server announces for their bytes, with the token of the session. The token goes to the
 * configured endpoint and nowhere else.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Take from "effect/Take"
import type { AgbClient } from "../../../AgbClient.js"
import type { ClientError, FileError, FileNotFoundError } from "../../../AgbError.js"
import { cancellable, either } from "../../client/deadline/cancellation.js"
import * as deadlines from "../../client/deadline/deadlines.js"
import * as retry from "../../client/retry/retry.js"
import * as retryBudgets from "../../client/retry/retryBudget.js"
import * as sessionRoutes from "../../client/sessionRoutes.js"
import type { TransferBody, TransferReply } from "../../client/transport/exchange.js"
import { fromExchange } from "../../client/transport/exchangeFailure.js"
import { leastHandedBytes } from "../../client/transport/handover.js"
import type { SessionState } from "../../lifecycle/sessionState.js"
import { fileBytesRoute, fileHandover } from "../../wire/results/fileTexts.js"
import { concat } from "../../wire/text/bytes.js"
import type { FileSystemError } from "../fileErrors.js"
import {
  changed,
  checkSize,
  type FileRequest,
  FileRequests,
  retrySafetyOf,
  stalled,
  writeQuery,
  writtenOf
} from "./fileRequests.js"
import type { FileRoute, OpenFile, OpenRange, WriteOptions } from "./fileRoute.js"
import { HandedFiles, isHanded } from "./handedFiles.js"
import { onTaken, takerOf } from "./recycling.js"
import { ContentFailure, pieceBytes, Sending, type WhileMoving } from "./sending.js"

/** What the server says about a session. */
export interface Handles {
  readonly sessionId: string
  readonly token?: Redacted.Redacted<string> | undefined
  readonly toolList?: ReadonlyArray<{ readonly name: string }> | undefined
}

/** Only what was announced is used, and only with a token of which a header can be made. */
export const make = (client: AgbClient.Service, handles: Handles, state: SessionState): FileRoute | undefined => {
  const token = handles.token === undefined ? "" : Redacted.value(handles.token)
  const isAnnounced = (entry: string) => handles.toolList?.some(({ name }) => name === entry) ?? false
  const transport = sessionRoutes.of(client)?.transport
  if (transport?.transfer === undefined || !isAnnounced(fileBytesRoute) || !/^[\x21-\x7e]+$/.test(token)) {
    return undefined
  }
  const requests = new FileRequests(client, handles.sessionId, token, state)
  const peer = isAnnounced(fileHandover) ? transport.peer?.(client.config.endpoint) : undefined
  return new DirectFiles(requests, peer && new HandedFiles(requests, peer))
}

/** What the file system says is an answer, which another attempt would not change. */
const asAnswer = <A>(attempt: Effect.Effect<A, FileSystemError>): Effect.Effect<
  Effect.Effect<A, FileError | FileNotFoundError>,
  ClientError
> =>
  Effect.catchTags(Effect.map(attempt, (value): Effect.Effect<A> => Effect.succeed(value)), {
    FileError: (error) => Effect.succeed(Effect.fail(error)),
    FileNotFoundError: (error) => Effect.succeed(Effect.fail(error))
  })

class DirectFiles implements FileRoute {
  readonly isDirect = true
  readonly #requests: FileRequests
  readonly #client: AgbClient.Service
  readonly #retrier: retry.Retrier
  readonly #handed: HandedFiles | undefined

  constructor(requests: FileRequests, handed: HandedFiles | undefined) {
    const { client } = requests
    this.#requests = requests
    this.#client = client
    this.#retrier = retry.make(client.config.retry, retryBudgets.of(client))
    this.#handed = handed
  }

  write(
    operation: string,
    path: string,
    bytes: Uint8Array,
    options: WriteOptions
  ): Effect.Effect<void, FileSystemError> {
    return this.writeRead(operation, path, bytes.length, Effect.succeed(bytes), options)
  }

  writeRead<E, R>(
    operation: string,
    path: string,
    size: number,
    content: Effect.Effect<Uint8Array, E, R>,
    options: WriteOptions
  ): Effect.Effect<void, FileSystemError | E, R> {
    const handed = this.#handed
    const sent = (bytes: Uint8Array) =>
      bytes.length > pieceBytes
        ? this.#sent(operation, path, Stream.make(bytes), options)
        : this.#putBytes(operation, path, bytes, options)
    if (handed === undefined || size < leastHandedBytes) return Effect.flatMap(content, sent)
    return Effect.scoped(Effect.gen(function*() {
      const opened = yield* handed.begin(operation, path, options)
      const bytes = yield* content
      const file = yield* opened
      if (Option.isNone(file)) return yield* sent(bytes)
      yield* file.value.write(bytes)
      yield* file.value.commit
    }))
  }

  #putBytes(
    operation: string,
    path: string,
    bytes: Uint8Array,
    options: WriteOptions
  ): Effect.Effect<void, FileSystemError> {
    const request = putOf<never>(operation, path, { _tag: "Bytes", bytes }, options)
    const stall = this.#client.config.timeout
    return Effect.scoped(this.#put(request)).pipe(
      Effect.timeoutFail({ duration: stall, onTimeout: () => stalled(request, stall) }),
      Effect.flatMap((written) => checkSize(operation, path, written, bytes.length))
    )
  }

  send<E, R>(
    operation: string,
    path: string,
    content: Stream.Stream<Uint8Array, E, R>,
    options: WriteOptions
  ): Effect.Effect<void, FileSystemError | E, R> {
    const handed = this.#handed
    if (handed === undefined) return this.#sent(operation, path, content, options)
    return Effect.scoped(Effect.gen(this, function*() {
      const beginning = yield* beginningOf(content, leastHandedBytes)
      if (beginning.isAll) return yield* this.#putBytes(operation, path, concat(beginning.pieces), options)
      const file = yield* handed.open(operation, path, options)
      const taken = takerOf(content) ?? (() => {})
      if (Option.isNone(file)) {
        const again = Stream.concat(Stream.fromIterable(beginning.pieces), beginning.rest)
        return yield* this.#sent(operation, path, onTaken(again, taken), options)
      }
      const write = (bytes: Uint8Array) => Effect.map(file.value.write(bytes), () => taken(bytes))
      yield* Effect.forEach(beginning.pieces, write, { discard: true })
      yield* Stream.runForEachChunk(beginning.rest, (pieces) => Effect.forEach(pieces, write, { discard: true }))
      yield* file.value.commit
    }))
  }

  #sent<E, R>(
    operation: string,
    path: string,
    content: Stream.Stream<Uint8Array, E, R>,
    options: WriteOptions
  ): Effect.Effect<void, FileSystemError | E, R> {
    return Effect.contextWithEffect((context: Context.Context<R>) => {
      const sending = new Sending(Stream.provideContext(content, context))
      const stall = this.#client.config.timeout
      const body = { _tag: "Stream", stream: sending.stream, size: undefined, onTaken: takerOf(content) } as const
      const request = putOf(operation, path, body, options)
      return Effect.scoped(
        this.#put<ContentFailure<E>>(request, sending.whileMoving(stall, () => stalled(request, stall)))
      ).pipe(
        Effect.mapError((error) => error instanceof ContentFailure ? error.error : error),
        Effect.flatMap((written) => checkSize(operation, path, written, sending.size))
      )
    })
  }

  /** The request is on its way while its body is written; whoever writes hears of a reply that comes before the end. */
  open(operation: string, path: string, options: WriteOptions): Effect.Effect<OpenFile, FileSystemError, Scope.Scope> {
    return Effect.gen(this, function*() {
      const pieces = yield* Queue.bounded<Take.Take<Uint8Array>>(1)
      const body = { _tag: "Stream", stream: Stream.flattenTake(Stream.fromQueue(pieces)), size: undefined } as const
      const request = putOf(operation, path, body, options)
      const reply = yield* Effect.forkScoped(Effect.interruptible(Effect.scoped(this.#put(request))))
      const inTime = <A, E>(step: Effect.Effect<A, E>) =>
        Effect.timeoutFail(step, {
          duration: this.#client.config.timeout,
          onTimeout: () => stalled(request, this.#client.config.timeout)
        })
      let size = 0
      return {
        write: (bytes) => {
          size += bytes.length
          return inTime(Effect.raceFirst(Queue.offer(pieces, Take.of(bytes)), Fiber.join(reply)))
        },
        commit: inTime(
          Effect.zipRight(Effect.raceFirst(Queue.offer(pieces, Take.end), Fiber.join(reply)), Fiber.join(reply))
        ).pipe(
          Effect.flatMap((written) => checkSize(operation, path, written, size))
        )
      }
    })
  }

  read(operation: string, path: string, offset: number, length: number): Stream.Stream<Uint8Array, FileSystemError> {
    const request = getOf(operation, path, offset, length)
    return Stream.unwrapScoped(Effect.map(this.#opened(request), (reply) => this.#exactly(request, reply, length)))
  }

  openRange(
    operation: string,
    path: string,
    offset: number,
    bytesToRead: number
  ): Effect.Effect<Option.Option<OpenRange>, FileSystemError, Scope.Scope> {
    const request = getOf(operation, path, offset, bytesToRead)
    const overNetwork = Effect.suspend(() =>
      Effect.map(this.#opened(request), (reply) => this.#rangeOf(request, reply, offset, bytesToRead))
    )
    const handed = this.#handed
    if (handed === undefined) return overNetwork
    return Effect.gen(this, function*() {
      const ticket = yield* handed.ticket(bytesToRead)
      if (Option.isNone(ticket)) return yield* overNetwork
      const reply = yield* this.#opened({ ...request, headers: { "x-file-handover": ticket.value.header } })
      const range = yield* handed.range(request, ticket.value, reply, offset, bytesToRead)
      if (Option.isSome(range)) return range
      return isHanded(reply) ? yield* overNetwork : this.#rangeOf(request, reply, offset, bytesToRead)
    })
  }

  /** What is on its way over the network, if the server describes it. */
  #rangeOf(
    request: FileRequest<never>,
    reply: TransferReply,
    offset: number,
    bytesToRead: number
  ): Option.Option<OpenRange> {
    return Option.map(headOf(reply), (head): OpenRange => {
      const length = Math.max(0, Math.min(bytesToRead, head.size - offset))
      return { ...head, length, bytes: this.#exactly(request, reply, length), release: reply.release }
    })
  }

  /** To open a file for reading is safe to repeat, until its bytes come. */
  #opened(request: FileRequest<never>): Effect.Effect<TransferReply, FileSystemError, Scope.Scope> {
    const stall = this.#client.config.timeout
    const millis = Duration.toMillis(stall)
    return Effect.contextWithEffect((context: Context.Context<Scope.Scope>) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) =>
          Effect.flatten(deadlines.run(millis, () => stalled(request, stall), undefined, (onCancel) => {
            const sent = this.#requests.send(request, (onLost, call) => call(either(onLost, onCancel)))
            const attempt = asAnswer(Effect.provide(sent, context))
            return this.#retrier.run({ attempt, deadline: now + millis, onCancel })
          }))
      )
    )
  }

  /** The body of a reply, which has to have so many bytes and to go on. */
  #exactly(
    request: FileRequest<never>,
    { body }: TransferReply,
    length: number
  ): Stream.Stream<Uint8Array, FileSystemError> {
    const { operation, path } = request
    const stall = this.#client.config.timeout
    const tooLate = () => stalled(request, stall)
    return Stream.suspend(() => {
      let found = 0
      const inTime = Effect.map(Stream.toPull(body), (pull) =>
        deadlines.run(
          Duration.toMillis(stall),
          () => Option.some<FileSystemError>(tooLate()),
          undefined,
          (onCancel) =>
            cancellable(
              Effect.mapError(pull, Option.map((error): FileSystemError => fromExchange(request, error, 0))),
              onCancel
            )
        ))
      const bytes = Stream.mapChunksEffect(Stream.fromPull(inTime), (chunk) =>
        Effect.suspend(() => {
          found += Chunk.reduce(chunk, 0, (size, { length }) => size + length)
          return found > length ? Effect.fail(changed(operation, path, found, length)) : Effect.succeed(chunk)
        }))
      return Stream.concat(
        bytes,
        Stream.suspend(() => found === length ? Stream.empty : Stream.fail(changed(operation, path, found, length)))
      )
    })
  }

  /** Returns how many bytes the server has written. */
  #put<E>(
    request: FileRequest<E>,
    whileMoving: WhileMoving = (onCancel, call) => call(onCancel)
  ): Effect.Effect<number, FileSystemError | E, Scope.Scope> {
    return Effect.flatMap(
      this.#requests.send(request, whileMoving),
      (reply) => Effect.map(this.#requests.text(reply), writtenOf)
    )
  }
}

const getOf = (operation: string, path: string, offset: number, length: number): FileRequest<never> => {
  const query = { offset: String(offset), ...(length === Infinity ? {} : { length: String(length) }) }
  return { operation, path, method: "GET", query, body: undefined, retrySafety: "safe" }
}

const numberOf = (headers: TransferReply["headers"], name: string, pattern: RegExp, radix = 10): number | undefined => {
  const text = headers[name]
  if (typeof text !== "string" || !pattern.test(text)) return undefined
  return radix === 10 ? Number(text) : parseInt(text, radix)
}

/** What the head of a reply tells of the file. */
const headOf = ({ headers }: TransferReply): Option.Option<Omit<OpenRange, "length" | "bytes" | "release">> => {
  const size = numberOf(headers, "x-file-size", /^\d{1,16}$/)
  return size === undefined || !Number.isSafeInteger(size) ? Option.none() : Option.some({
    size,
    mode: numberOf(headers, "x-file-mode", /^[0-7]{1,4}$/, 8),
    mtime: numberOf(headers, "x-file-mtime", /^-?\d{1,17}(\.\d{1,9})?$/),
    isStable: Effect.succeed(headers["x-file-stable"] === "true")
  })
}

const putOf = <E>(operation: string, path: string, body: TransferBody<E>, options: WriteOptions): FileRequest<E> => {
  return { operation, path, method: "PUT", query: writeQuery(options), body, retrySafety: retrySafetyOf(options) }
}

interface ContentBeginning<E, R> {
  readonly pieces: ReadonlyArray<Uint8Array>
  readonly isAll: boolean
  readonly rest: Stream.Stream<Uint8Array, E, R>
}

/** The first pieces of a stream that have so many bytes together, if it has them, and the rest of it. */
const beginningOf = <E, R>(
  content: Stream.Stream<Uint8Array, E, R>,
  bytes: number
): Effect.Effect<ContentBeginning<E, R>, E, R | Scope.Scope> =>
  Effect.gen(function*() {
    const pull = yield* Stream.toPull(content)
    const pieces: Array<Uint8Array> = []
    let [size, isAll] = [0, false]
    while (size < bytes && !isAll) {
      const chunk = yield* Effect.catchAll(
        Effect.asSome(pull),
        Option.match({
          onNone: () => Effect.succeedNone,
          onSome: (error) => Effect.fail(error)
        })
      )
      isAll = Option.isNone(chunk)
      for (const piece of Option.getOrElse(chunk, Chunk.empty<Uint8Array>)) {
        pieces.push(piece)
        size += piece.length
      }
    }
    return { pieces, isAll, rest: Stream.repeatEffectChunkOption(pull) }
  })
