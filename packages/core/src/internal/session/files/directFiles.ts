/**
 * Files by way of the route that a server announces for their bytes, with the token of the session. The token goes to the
 * configured endpoint and nowhere else.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Take from "effect/Take"
import type { AgbClient } from "../../../AgbClient.js"
import { type ClientError, FileError, type FileNotFoundError, ToolError, TransportError } from "../../../AgbError.js"
import { cancellable } from "../../client/deadline/cancellation.js"
import * as deadlines from "../../client/deadline/deadlines.js"
import * as envelopes from "../../client/envelope.js"
import * as RequestId from "../../client/requestId.js"
import * as retry from "../../client/retry/retry.js"
import * as retryBudgets from "../../client/retry/retryBudget.js"
import * as sessionRoutes from "../../client/sessionRoutes.js"
import * as transfers from "../../client/transfer.js"
import { ExchangeError, type TransferBody, type TransferReply } from "../../client/transport/exchange.js"
import { fromExchange } from "../../client/transport/exchangeFailure.js"
import type { SessionState } from "../../lifecycle/sessionState.js"
import { parseJson } from "../../wire/codecs.js"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import { fileBytesRoute } from "../../wire/results/fileTexts.js"
import { type FileSystemError, fromText } from "../fileErrors.js"
import type { FileRoute, OpenFile, OpenRange, WriteOptions } from "./fileRoute.js"
import { takerOf } from "./recycling.js"
import { ContentFailure, pieceBytes, Sending, type WhileMoving } from "./sending.js"

/** What the server says about a session. */
export interface Handles {
  readonly sessionId: string
  readonly token?: Redacted.Redacted<string> | undefined
  readonly toolList?: ReadonlyArray<{ readonly name: string }> | undefined
}

interface Request<E> {
  readonly operation: string
  readonly path: string
  readonly method: "GET" | "PUT"
  readonly query: Readonly<Record<string, string>>
  readonly body: TransferBody<E> | undefined
  readonly retrySafety: RetrySafety
}

/** The largest reply that is no file. */
const maxReplyBytes = 65_536

const retrySafetyOf = ({ mode }: WriteOptions): RetrySafety => mode === "overwrite" ? "idempotent" : "unsafe"

/** Only what was announced is used, and only with a token of which a header can be made. */
export const make = (client: AgbClient.Service, handles: Handles, state: SessionState): FileRoute | undefined => {
  const token = handles.token === undefined ? "" : Redacted.value(handles.token)
  const isAnnounced = handles.toolList?.some(({ name }) => name === fileBytesRoute) ?? false
  const isPossible = sessionRoutes.of(client)?.transport.transfer !== undefined
  return isPossible && isAnnounced && /^[\x21-\x7e]+$/.test(token)
    ? new DirectFiles(client, handles.sessionId, token, state)
    : undefined
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
  readonly #client: AgbClient.Service
  readonly #sessionId: string
  readonly #token: string
  readonly #state: SessionState
  readonly #retrier: retry.Retrier

  constructor(client: AgbClient.Service, sessionId: string, token: string, state: SessionState) {
    this.#client = client
    this.#sessionId = sessionId
    this.#token = token
    this.#state = state
    this.#retrier = retry.make(client.config.retry, retryBudgets.of(client))
  }

  write(
    operation: string,
    path: string,
    bytes: Uint8Array,
    options: WriteOptions
  ): Effect.Effect<void, FileSystemError> {
    if (bytes.length > pieceBytes) return this.send(operation, path, Stream.make(bytes), options)
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
    return Effect.map(this.#opened(request), (reply) =>
      Option.map(headOf(reply), (head): OpenRange => {
        const length = Math.max(0, Math.min(bytesToRead, head.size - offset))
        return { ...head, length, bytes: this.#exactly(request, reply, length), release: reply.release }
      }))
  }

  /** To open a file for reading is safe to repeat, until its bytes come. */
  #opened(request: Request<never>): Effect.Effect<TransferReply, FileSystemError, Scope.Scope> {
    const stall = this.#client.config.timeout
    return Effect.gen(this, function*() {
      const context = yield* Effect.context<Scope.Scope>()
      const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(stall)
      const attempt = asAnswer(Effect.provide(this.#request(request), context))
      return yield* yield* this.#retrier.run({ attempt, deadline, onCancel: () => () => {} })
    }).pipe(Effect.timeoutFail({ duration: stall, onTimeout: () => stalled(request, stall) }))
  }

  /** The body of a reply, which has to have so many bytes and to go on. */
  #exactly(
    request: Request<never>,
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
    request: Request<E>,
    whileMoving: WhileMoving = (onCancel, call) => call(onCancel)
  ): Effect.Effect<number, FileSystemError | E, Scope.Scope> {
    return Effect.flatMap(this.#request(request, whileMoving), (reply) => Effect.map(this.#text(reply), writtenOf))
  }

  #text(reply: TransferReply): Effect.Effect<string> {
    return transfers.beginning(reply, maxReplyBytes, this.#client.config.timeout)
  }

  /** A request that succeeded. */
  #request<E>(
    request: Request<E>,
    whileMoving: WhileMoving = (onCancel, call) => call(onCancel)
  ): Effect.Effect<TransferReply, FileSystemError | E, Scope.Scope> {
    const { body, method, operation, path, query, retrySafety } = request
    const { config } = this.#client
    const search = new URLSearchParams({ path, ...query }).toString()
    const url = `${config.endpoint}/files/${this.#sessionId}?${search}`
    const headers = { "x-access-token": this.#token, accept: "*/*" }
    const send = transfers.of(this.#client)<E>({ method, url, headers, body })
    const asClientError = (error: ExchangeError | E) =>
      error instanceof ExchangeError ? fromExchange(request, error, 0) : error
    return Effect.contextWithEffect((context: Context.Context<Scope.Scope>) =>
      Effect.mapError(
        this.#state.guard<TransferReply, ToolError | E>(operation, retrySafety, (onCancel) =>
          whileMoving(onCancel, (onCancel) =>
            cancellable(
              Effect.flatMap(
                Effect.mapError(Effect.provide(send, context), asClientError),
                (reply): Effect.Effect<TransferReply, ClientError | ToolError> =>
                  reply.status === 200 ? Effect.as(recordRequestId(reply), reply) : this.#failed(request, reply)
              ),
              onCancel
            ))),
        (error) =>
          error instanceof ToolError ? fromText(error, [path]) : error
      )
    )
  }

  #failed(request: Request<unknown>, reply: TransferReply): Effect.Effect<never, ClientError | ToolError> {
    return Effect.gen(this, function*() {
      const { operation, retrySafety } = request
      const text = yield* this.#text(reply)
      const redact = envelopes.redactor(this.#token)
      const envelope = envelopes.read(Either.getOrElse(parseJson(text), () => text), undefined, redact)
      if (envelope.code === "File.Failed") {
        return yield* new ToolError({
          operation,
          requestId: envelope.requestId,
          tool: fileBytesRoute,
          detail: envelope.message
        })
      }
      const now = yield* Clock.currentTimeMillis
      const received = { operation, status: reply.status, sessionId: this.#sessionId, retrySafety, envelope, redact }
      return yield* Effect.fail(envelopes.failure({ ...received, retryAfter: undefined, date: undefined }, now))
    })
  }
}

const recordRequestId = ({ headers }: TransferReply): Effect.Effect<void> => {
  const requestId = headers["x-request-id"]
  return typeof requestId === "string" && /^[\w-]{1,128}$/.test(requestId) ? RequestId.record(requestId) : Effect.void
}

const getOf = (operation: string, path: string, offset: number, length: number): Request<never> => {
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
    isStable: headers["x-file-stable"] === "true"
  })
}

const putOf = <E>(operation: string, path: string, body: TransferBody<E>, options: WriteOptions): Request<E> => {
  const { mode, permissions } = options
  const query = { mode, ...(permissions === undefined ? {} : { permissions: permissions.toString(8) }) }
  return { operation, path, method: "PUT", query, body, retrySafety: retrySafetyOf(options) }
}

const stalled = ({ operation, retrySafety }: Request<unknown>, time: Duration.Duration): ClientError =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: `nothing moved for ${Duration.format(time)}`,
    mayHaveHappened: retrySafety !== "safe",
    retryable: retrySafety !== "unsafe"
  })

const changed = (operation: string, path: string, found: number, length: number) =>
  new FileError({ operation, path, reason: "Changed", detail: `${found} of ${length} bytes`, mayHaveHappened: false })

const checkSize = (operation: string, path: string, written: number, size: number) =>
  written === size ? Effect.void : Effect.fail(
    new FileError({
      operation,
      path,
      reason: "Incomplete",
      detail: `${written} of ${size} bytes were written`,
      mayHaveHappened: true
    })
  )

/** What a reply says of the bytes that were written; -1 if it does not. */
const writtenOf = (text: string): number => {
  const reply = Either.getOrUndefined(parseJson(text)) as
    | { readonly data?: { readonly bytesWritten?: unknown } }
    | undefined
  const written = reply?.data?.bytesWritten
  return typeof written === "number" ? written : -1
}
