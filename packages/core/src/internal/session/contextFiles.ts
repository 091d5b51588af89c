/** The content of the files of contexts, by presigned URL. The URL is a secret: no error, span or log contains it. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { AgbClient } from "../../AgbClient.js"
import {
  type ClientError,
  FileNotFoundError,
  LimitExceededError,
  MalformedResponseError,
  RateLimitedError,
  RequestRejectedError,
  ServerError,
  TransportError
} from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import * as retry from "../client/retry/retry.js"
import * as retryBudgets from "../client/retry/retryBudget.js"
import * as transfers from "../client/transfer.js"
import type { ExchangeError, Transfer, TransferBody, TransferReply } from "../client/transport/exchange.js"
import { fromExchange } from "../client/transport/exchangeFailure.js"
import { parseSecure } from "../wire/addresses.js"
import type { RetrySafety } from "../wire/endpoints/endpoint.js"
import { concat } from "../wire/text/bytes.js"
import { visible } from "../wire/text/visibleText.js"

/** What the storage says of a file that it has taken. */
export interface WrittenFile {
  /** Status of its reply: 200, 201 or 204 as a rule. */
  readonly status: number
  /** Identifies this content of the file, if the storage tells it. */
  readonly etag: string | undefined
}

/** A file, and the call that is about it. */
export interface Target {
  readonly operation: string
  readonly contextId: string
  readonly path: string
  readonly retrySafety: RetrySafety
  /** Of the whole transfer, its retries included. */
  readonly timeout: Duration.Duration
}

type Failure = ClientError | FileNotFoundError

const malformed = ({ operation, retrySafety }: Target, path: string, expected: string) =>
  new MalformedResponseError({
    operation,
    path,
    expected,
    mayHaveHappened: retrySafety !== "safe" && path !== "url",
    retryable: retrySafety !== "unsafe" && path !== "url"
  })

/** Object stores and this API name a code; the rest of such a reply may repeat the signature and is dropped. */
const codeIn = (text: string): string => {
  const found = /<Code>([^<]{1,100})<\/Code>/.exec(text) ?? /"code"\s*:\s*"([^"\\]{1,100})"/.exec(text)
  return visible(found?.[1] ?? "")
}

const headerOf = ({ headers }: TransferReply, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" || value === undefined ? value : value[0]
}

const maxErrorBytes = 16_384

const delayOf = (reply: TransferReply): number | undefined => {
  const seconds = Number(headerOf(reply, "retry-after")?.trim() || NaN)
  return seconds > 0 && seconds <= 86_400 ? Math.ceil(seconds * 1000) : undefined
}

/** Reads a reply that is no success as a typed error. */
const rejection = (target: Target, reply: TransferReply): Effect.Effect<never, Failure> =>
  Effect.flatMap(transfers.beginning(reply, maxErrorBytes, "5 seconds"), (text): Effect.Effect<never, Failure> => {
    const { operation, path, retrySafety } = target
    const { status } = reply
    const code = codeIn(text)
    const retryAfterMillis = delayOf(reply)
    if (status === 404 && (code === "" || /NoSuchKey|File.*NotFound/i.test(code))) {
      return Effect.fail(new FileNotFoundError({ operation, path, detail: code }))
    }
    if (status === 429) return Effect.fail(new RateLimitedError({ operation, retryAfterMillis, detail: code }))
    return Effect.fail(
      status >= 500 || status === 408
        ? new ServerError({
          operation,
          status,
          code,
          retryAfterMillis,
          detail: "the storage of the file failed",
          mayHaveHappened: retrySafety !== "safe",
          retryable: retrySafety !== "unsafe"
        })
        : new RequestRejectedError({ operation, status, code, detail: "by the storage of the file" })
    )
  })

const stalled = ({ operation, retrySafety }: Target, after: Duration.Duration) =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: `nothing arrived for ${Duration.format(after)}`,
    mayHaveHappened: retrySafety !== "safe",
    retryable: retrySafety !== "unsafe"
  })

const tooLate = ({ operation, retrySafety, timeout }: Target) =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: Duration.format(timeout),
    mayHaveHappened: retrySafety !== "safe",
    retryable: retrySafety !== "unsafe"
  })

const withDeadline = <A, E, R>(target: Target, effect: Effect.Effect<A, E, R>) =>
  Effect.timeoutFail(effect, { duration: target.timeout, onTimeout: () => tooLate(target) })

/** Sends and receives files. */
export class ContextFiles {
  readonly #client: AgbClient.Service
  readonly #retrier: retry.Retrier

  constructor(client: AgbClient.Service) {
    this.#client = client
    this.#retrier = retry.make(client.config.retry, retryBudgets.of(client))
  }

  /** A URL may be used only if it is encrypted or stays on this machine. */
  #url(target: Target, method: "GET" | "PUT"): Effect.Effect<string, Failure> {
    const { contextId, operation, path } = target
    const request = { contextId, filePath: path }
    const options = internalOptions({ operation })
    const urls = method === "GET"
      ? this.#client.getContextFileDownloadUrl(request, options)
      : this.#client.getContextFileUploadUrl(request, options)
    return Effect.flatMap(
      Effect.catchTag(urls, "RequestRejectedError", (error) => this.#missing(target, method, error)),
      ({ url }) =>
        parseSecure(url, "http") === undefined
          ? malformed(target, "url", "an https URL, unless its host is a loopback address")
          : Effect.succeed(url)
    )
  }

  /** A rejection may be about the file or about its context: only the context can be asked for. */
  #missing(
    { contextId, operation, path }: Target,
    method: "GET" | "PUT",
    error: RequestRejectedError
  ): Effect.Effect<never, Failure> {
    if (method === "PUT" || error.status !== 404 && !/not ?found|no ?such/i.test(`${error.code} ${error.detail}`)) {
      return Effect.fail(error)
    }
    return Effect.matchEffect(this.#client.getContext({ id: contextId }, internalOptions({ operation })), {
      onSuccess: () => Effect.fail(new FileNotFoundError({ operation, path, detail: error.detail })),
      onFailure: () => Effect.fail(error)
    })
  }

  #open<E>(target: Target, transfer: Transfer<E>) {
    const { maxResponseBytes } = this.#client.config
    return Effect.mapError(
      transfers.of(this.#client)(transfer),
      (error) => isExchangeError(error) ? fromExchange(target, error, maxResponseBytes) : error
    )
  }

  /** Streams a file. Only the request of its URL is repeated. */
  readStream(target: Target): Stream.Stream<Uint8Array, Failure> {
    const stall = this.#client.config.timeout
    const opened = Effect.flatMap(
      this.#url(target, "GET"),
      (url) =>
        this.#open<never>(target, { method: "GET", url, body: undefined }).pipe(
          Effect.timeoutFail({ duration: stall, onTimeout: () => stalled(target, stall) }),
          Effect.flatMap((reply) => reply.status === 200 ? Effect.succeed(reply) : rejection(target, reply))
        )
    )
    return Stream.unwrapScoped(
      Effect.map(opened, (reply) => Stream.timeoutFail(this.#body(target, reply), () => stalled(target, stall), stall))
    )
  }

  /** The body, which must have the length that was announced. */
  #body(target: Target, reply: TransferReply): Stream.Stream<Uint8Array, Failure> {
    const { maxResponseBytes } = this.#client.config
    const announced = headerOf(reply, "content-encoding") === undefined ? headerOf(reply, "content-length") : undefined
    let received = 0
    const counted = Stream.map(reply.body, (chunk) => {
      received += chunk.byteLength
      return chunk
    })
    const complete = Stream.suspend(() =>
      announced === undefined || Number(announced) === received
        ? Stream.empty
        : Stream.fail(malformed(target, "body", `${announced} bytes`))
    )
    return Stream.concat(
      Stream.mapError(counted, (error) => fromExchange(target, error, maxResponseBytes)),
      complete
    )
  }

  /** Reads a file of at most `maxBytes`. */
  read(target: Target, maxBytes: number): Effect.Effect<Uint8Array, Failure> {
    const { operation } = target
    const collected = Effect.suspend(() => {
      const chunks: Array<Uint8Array> = []
      let size = 0
      const collect = Stream.runForEach(this.readStream(target), (chunk) => {
        size += chunk.byteLength
        chunks.push(chunk)
        return size > maxBytes
          ? Effect.fail(
            new LimitExceededError({ operation, what: "the file", limit: maxBytes, mayHaveHappened: false })
          )
          : Effect.void
      })
      return Effect.map(collect, () => concat(chunks))
    })
    return withDeadline(target, this.#repeated(target, collected))
  }

  /** Writes a whole file. */
  writeBytes(target: Target, bytes: Uint8Array, contentType?: string): Effect.Effect<WrittenFile, Failure> {
    const sent = this.#send<never>(target, { _tag: "Bytes", bytes }, contentType)
    return withDeadline(target, this.#repeated(target, sent))
  }

  /** Writes a whole file from a stream, which is read once: nothing is repeated. */
  writeStream<E>(
    given: Target,
    stream: Stream.Stream<Uint8Array, E>,
    size: number | undefined,
    contentType?: string
  ): Effect.Effect<WrittenFile, Failure | E> {
    const target: Target = { ...given, retrySafety: "unsafe" }
    return withDeadline(target, this.#send(target, { _tag: "Stream", stream, size }, contentType))
  }

  #send<E>(
    target: Target,
    body: TransferBody<E>,
    contentType: string | undefined
  ): Effect.Effect<WrittenFile, Failure | E> {
    const headers = contentType === undefined ? {} : { "content-type": contentType }
    return Effect.flatMap(this.#url(target, "PUT"), (url) =>
      Effect.scoped(
        Effect.flatMap(this.#open(target, { method: "PUT", url, headers, body }), (reply) =>
          reply.status >= 200 && reply.status < 300
            ? Effect.succeed({ status: reply.status, etag: headerOf(reply, "etag") })
            : rejection(target, reply))
      ))
  }

  /** A missing file is an answer, which is not asked for again. */
  #repeated<A>({ timeout }: Target, attempt: Effect.Effect<A, Failure>): Effect.Effect<A, Failure> {
    const answered = attempt.pipe(
      Effect.map(Either.right),
      Effect.catchTag("FileNotFoundError", (error) => Effect.succeed(Either.left(error)))
    )
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.flatten(this.#retrier.run({
        attempt: answered,
        deadline: now + Duration.toMillis(timeout),
        onCancel: () => () => {}
      })))
  }
}

const isExchangeError = (error: unknown): error is ExchangeError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "ExchangeError"
