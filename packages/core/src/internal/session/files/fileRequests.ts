/** Requests to the route for the bytes of a session's files, and what their failures mean. */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { AgbClient } from "../../../AgbClient.js"
import { type ClientError, FileError, ToolError, TransportError } from "../../../AgbError.js"
import { cancellable, type Cancellation } from "../../client/deadline/cancellation.js"
import * as deadlines from "../../client/deadline/deadlines.js"
import * as envelopes from "../../client/envelope.js"
import * as RequestId from "../../client/requestId.js"
import * as sessionRoutes from "../../client/sessionRoutes.js"
import * as transfers from "../../client/transfer.js"
import { ExchangeError, type Reply, type TransferBody, type TransferReply } from "../../client/transport/exchange.js"
import { fromExchange } from "../../client/transport/exchangeFailure.js"
import type { SessionState } from "../../lifecycle/sessionState.js"
import { parseJson } from "../../wire/codecs.js"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import { fileBytesRoute } from "../../wire/results/fileTexts.js"
import { type FileSystemError, fromText } from "../fileErrors.js"
import type { WriteOptions } from "./fileRoute.js"
import type { WhileMoving } from "./sending.js"

interface FileQuestion {
  readonly operation: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly retrySafety: RetrySafety
}

/** A request with the bytes of a file, or for them. */
export interface FileRequest<E> extends FileQuestion {
  readonly method: "GET" | "PUT"
  readonly body: TransferBody<E> | undefined
}

/** A request about a file, without its bytes. */
export interface FileAction extends FileQuestion {
  /** Follows the path of the route. */
  readonly action: `/${string}`
}

/** The largest reply that is no file. */
const maxReplyBytes = 65_536

export class FileRequests {
  readonly client: AgbClient.Service
  readonly sessionId: string
  readonly #token: string
  readonly #state: SessionState

  constructor(client: AgbClient.Service, sessionId: string, token: string, state: SessionState) {
    this.client = client
    this.sessionId = sessionId
    this.#token = token
    this.#state = state
  }

  text(reply: TransferReply): Effect.Effect<string> {
    return transfers.beginning(reply, maxReplyBytes, this.client.config.timeout)
  }

  /** Sends a request, which has to succeed. */
  send<E>(
    request: FileRequest<E>,
    whileMoving: WhileMoving = (onCancel, call) => call(onCancel)
  ): Effect.Effect<TransferReply, FileSystemError | E, Scope.Scope> {
    const { body, method, operation, path, retrySafety } = request
    const send = transfers.of(this.client)<E>({ method, ...this.#addressed("", request), body })
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
                  reply.status === 200
                    ? Effect.as(recordRequestId(reply), reply)
                    : Effect.flatMap(this.text(reply), (text) =>
                      this.#failed(request, reply.status, text))
              ),
              onCancel
            ))),
        (error) =>
          error instanceof ToolError ? fromText(error, [path]) : error
      )
    )
  }

  /** Asks about a file, which has to succeed. */
  ask(request: FileAction): Effect.Effect<Reply, FileSystemError> {
    const { action, operation, path, retrySafety } = request
    const { timeout } = this.client.config
    const exchange = sessionRoutes.of(this.client)?.transport.exchange
    if (exchange === undefined) return Effect.dieMessage("a client without a transport has no route for files")
    const send = (onCancel: Cancellation<ClientError>) =>
      Effect.flatMap(
        exchange({
          method: "POST",
          ...this.#addressed(action, request),
          body: undefined,
          maxBytes: maxReplyBytes,
          onCancel,
          retrySafety
        }).pipe(
          Effect.mapError((error) =>
            error instanceof ExchangeError ? fromExchange(request, error, maxReplyBytes) : error
          )
        ),
        (reply) => reply.status === 200
          ? Effect.as(recordRequestId(reply), reply)
          : this.#failed(request, reply.status, reply.body)
      )
    const tooLate = () => stalled(request, timeout)
    return Effect.mapError(
      this.#state.guard<Reply, ToolError>(
        operation,
        retrySafety,
        (onCancel) =>
          deadlines.run<Reply, ClientError | ToolError>(
            Duration.toMillis(timeout),
            tooLate,
            onCancel as Cancellation<ClientError | ToolError>,
            (onCancel) => send(onCancel as Cancellation<ClientError>)
          )
      ),
      (error) => error instanceof ToolError ? fromText(error, [path]) : error
    )
  }

  #addressed(action: string, { headers, path, query }: FileQuestion) {
    const search = new URLSearchParams({ path, ...query }).toString()
    return {
      url: `${this.client.config.endpoint}/files/${this.sessionId}${action}?${search}`,
      headers: { ...headers, "x-access-token": this.#token, accept: "*/*" }
    }
  }

  #failed(request: FileQuestion, status: number, text: string): Effect.Effect<never, ClientError | ToolError> {
    return Effect.gen(this, function*() {
      const { operation, retrySafety } = request
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
      const received = { operation, status, sessionId: this.sessionId, retrySafety, envelope, redact }
      return yield* Effect.fail(envelopes.failure({ ...received, retryAfter: undefined, date: undefined }, now))
    })
  }
}

const recordRequestId = ({ headers }: Pick<TransferReply, "headers">): Effect.Effect<void> => {
  const requestId = headers["x-request-id"]
  return typeof requestId === "string" && /^[\w-]{1,128}$/.test(requestId) ? RequestId.record(requestId) : Effect.void
}

export const retrySafetyOf = ({ mode }: WriteOptions): RetrySafety => mode === "overwrite" ? "idempotent" : "unsafe"

export const writeQuery = ({ mode, permissions }: WriteOptions): Readonly<Record<string, string>> => ({
  mode,
  ...(permissions === undefined ? {} : { permissions: permissions.toString(8) })
})

export const stalled = (
  { operation, retrySafety }: Pick<FileQuestion, "operation" | "retrySafety">,
  time: Duration.Duration
): ClientError =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: `nothing moved for ${Duration.format(time)}`,
    mayHaveHappened: retrySafety !== "safe",
    retryable: retrySafety !== "unsafe"
  })

export const changed = (operation: string, path: string, found: number, length: number): FileError =>
  new FileError({ operation, path, reason: "Changed", detail: `${found} of ${length} bytes`, mayHaveHappened: false })

export const checkSize = (
  operation: string,
  path: string,
  written: number,
  size: number
): Effect.Effect<void, FileError> =>
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
export const writtenOf = (text: string): number => {
  const reply = Either.getOrUndefined(parseJson(text)) as
    | { readonly data?: { readonly bytesWritten?: unknown } }
    | undefined
  const written = reply?.data?.bytesWritten
  return typeof written === "number" ? written : -1
}
