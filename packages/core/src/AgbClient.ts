/**
 * Low-level client: one typed method per endpoint, over a `Transport`. A method validates its request before sending,
 * decodes the reply to a value or a typed error, retries safe calls within one deadline, and records a span named
 * `AgbClient.<endpoint>`.
 *
 * Most programs use `Session` and its modules instead.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import {
  type Endpoint,
  type EndpointName,
  type Endpoints,
  endpoints,
  type ReplyOf,
  type RequestOf,
  type RetrySafety
} from "./AgbApi.js"
import { AgbConfig } from "./AgbConfig.js"
import { type ClientError, MalformedResponseError, TransportError } from "./AgbError.js"
import type { CallOptions, InternalCallOptions } from "./internal/client/callOptions.js"
import type { Cancellation } from "./internal/client/cancellation.js"
import * as deadlines from "./internal/client/deadlines.js"
import * as envelopes from "./internal/client/envelope.js"
import { fromExchange } from "./internal/client/exchangeFailure.js"
import * as issues from "./internal/client/issues.js"
import * as RequestId from "./internal/client/requestId.js"
import * as retry from "./internal/client/retry.js"
import * as spans from "./internal/client/spans.js"
import * as timeouts from "./internal/client/timeouts.js"
import { parseJson } from "./internal/wire/codecs.js"
import { type Exchange, type Reply, Transport } from "./Transport.js"

export type {
  /**
   * Options of every method of the client.
   *
   * @since 0.1.0
   * @category models
   */
  CallOptions
} from "./internal/client/callOptions.js"

type Methods = {
  readonly [K in EndpointName]: (
    request: RequestOf<Endpoints[K]>,
    options?: CallOptions
  ) => Effect.Effect<ReplyOf<Endpoints[K]>, ClientError>
}

/**
 * Tag of the low-level client.
 *
 * @since 0.1.0
 * @category tags
 */
export class AgbClient extends Context.Tag("@effect-agb/core/AgbClient")<AgbClient, AgbClient.Service>() {}

/**
 * Types of the low-level client.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace AgbClient {
  /**
   * One method per endpoint, and the configuration they use. Every method fails with `ClientError`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service extends Methods {
    readonly config: AgbConfig.Service
  }
}

interface Wire {
  readonly config: AgbConfig.Service
  readonly transport: Transport.Service
  readonly retrier: retry.Retrier
  readonly deadlines: deadlines.Deadlines
}

type Prepared = Omit<Exchange<ClientError>, "onCancel">

interface Call {
  readonly operation: string
  readonly retrySafety: RetrySafety
  readonly sessionId: string | undefined
}

const malformed = (call: Call, path: string, expected: string, requestId?: string) =>
  new MalformedResponseError({
    operation: call.operation,
    requestId,
    path,
    expected,
    mayHaveHappened: call.retrySafety !== "safe",
    retryable: call.retrySafety === "safe"
  })

const queryString = (query: object): string => {
  const pairs = Object.entries(query) as Array<[string, string]>
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`
}

/** Encodes requests of an endpoint. */
const encoder = <Q extends object, QI, B extends object, BI, R, RI>(
  { config }: Wire,
  { body, method, path, query }: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const encodeQuery = ParseResult.encodeUnknownEither(query)
  const encodeBody = ParseResult.encodeUnknownEither(body)
  const base = {
    method,
    headers: {
      authorization: `Bearer ${Redacted.value(config.apiKey)}`,
      "content-type": "application/json"
    },
    maxBytes: config.maxResponseBytes
  }
  const build = (q: QI, b: BI): Prepared => ({
    ...base,
    url: config.endpoint + path + queryString(q as object),
    body: method === "GET" ? undefined : JSON.stringify(b)
  })
  return (request: Q & B): Either.Either<Prepared, ParseResult.ParseIssue> => {
    const q = encodeQuery(request)
    if (Either.isLeft(q)) return Either.left(q.left)
    const b = encodeBody(request)
    return Either.isLeft(b) ? Either.left(b.left) : Either.right(build(q.right, b.right))
  }
}

interface Answer<R> {
  readonly requestId: string | undefined
  readonly result: Either.Either<R, ClientError>
}

const header = (headers: Reply["headers"], name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" || value === undefined ? value : value[0]
}

/** Decodes replies of an endpoint to a value or a typed error. */
const decoder = <Q extends object, QI, B extends object, BI, R, RI>(
  { config }: Wire,
  { reply, successRule }: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const decodeReply = ParseResult.decodeUnknownEither(reply)
  const redact = (text: string) => text.replaceAll(Redacted.value(config.apiKey), "<redacted>").slice(0, 500)

  const result = (call: Call, reply: Reply, now: number, envelope: envelopes.Envelope) => {
    const { headers, status } = reply
    switch (envelopes.classify(successRule, status, envelope)) {
      case "success":
        return Either.mapLeft(decodeReply({ ...envelope.fields, requestId: envelope.requestId }), (issue) => {
          const { expected, field } = issues.first(issue)
          return malformed(call, field, expected, envelope.requestId)
        })
      case "failure":
        return Either.left(
          envelopes.failure({ ...call, status, retryAfter: header(headers, "retry-after"), envelope, redact }, now)
        )
      case "unknown":
        return Either.left(malformed(call, "success", "true or false", envelope.requestId))
    }
  }

  return (call: Call, reply: Reply, now: number): Answer<R> => {
    const json = parseJson(reply.body)
    const content = Either.getOrElse(json, () => reply.body)
    const envelope = envelopes.read(content, header(reply.headers, "x-request-id"), redact)
    return {
      requestId: envelope.requestId,
      result: Either.isLeft(json) && reply.status < 300
        ? Either.left(malformed(call, "body", "a JSON envelope", envelope.requestId))
        : result(call, reply, now, envelope)
    }
  }
}

/** Records the request id in the current span and in the cell of the promise API. */
const recordRequestId = (requestId: string): Effect.Effect<void> =>
  Effect.zipRight(
    Effect.map(FiberRef.get(RequestId.current), (cell) => {
      if (cell !== undefined) cell.value = requestId
    }),
    Effect.annotateCurrentSpan("agb.request_id", requestId)
  )

const tooLate = (call: Call, timeout: Duration.Duration) => () =>
  new TransportError({
    operation: call.operation,
    reason: "Timeout",
    detail: Duration.format(timeout),
    mayHaveHappened: call.retrySafety !== "safe",
    retryable: call.retrySafety !== "unsafe"
  })

const sessionIdOf = (request: unknown): string | undefined =>
  Predicate.hasProperty(request, "sessionId") && typeof request.sessionId === "string" ? request.sessionId : undefined

const method = <Q extends object, QI, B extends object, BI, R, RI>(
  wire: Wire,
  endpoint: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const encode = encoder(wire, endpoint)
  const decode = decoder(wire, endpoint)

  const attempt = (
    call: Call,
    prepared: Prepared,
    onCancel: Cancellation<ClientError>
  ): Effect.Effect<R, ClientError> =>
    wire.transport.exchange({ ...prepared, onCancel }).pipe(
      Effect.mapError((error) => error._tag === "ExchangeError" ? fromExchange(call, error, prepared.maxBytes) : error),
      Effect.flatMap((reply) =>
        Effect.clockWith((clock) => {
          const { requestId, result } = decode(call, reply, clock.unsafeCurrentTimeMillis())
          return requestId === undefined ? result : Effect.zipRight(recordRequestId(requestId), result)
        })
      )
    )

  return (request: Q & B, options: InternalCallOptions = {}): Effect.Effect<R, ClientError> =>
    Effect.clockWith((clock) => {
      const call: Call = {
        operation: options.operation ?? endpoint.name,
        retrySafety: options.retrySafety ?? endpoint.retrySafety,
        sessionId: sessionIdOf(request)
      }
      const encoded = encode(request)
      if (Either.isLeft(encoded)) return Effect.fail(issues.invalidRequest(call.operation, encoded.left))
      const timeout = timeouts.parse(call.operation, options.timeout ?? wire.config.timeout)
      if (Either.isLeft(timeout)) return Effect.fail(timeout.left)
      const total = options.margin === undefined ? timeout.right : Duration.sum(timeout.right, options.margin)
      const deadline = clock.unsafeCurrentTimeMillis() + Duration.toMillis(total)
      return wire.deadlines.run(
        deadline,
        tooLate(call, total),
        options.onCancel,
        (onCancel) => wire.retrier.run({ attempt: attempt(call, encoded.right, onCancel), deadline, onCancel })
      ).pipe(
        spans.request(`AgbClient.${endpoint.name}`, call.sessionId)
      )
    })
}

type AnyEndpoint = Endpoint<object, unknown, object, unknown, unknown, unknown>

/** Compiles encoders and decoders on the first call of an endpoint: most programs use only a few endpoints. */
const lazily = <Args extends ReadonlyArray<unknown>, A>(make: () => (...args: Args) => A): (...args: Args) => A => {
  let made: ((...args: Args) => A) | undefined
  return (...args) => (made ??= make())(...args)
}

const methods = (wire: Wire): Methods =>
  Object.fromEntries(
    Object.entries(endpoints as Record<string, AnyEndpoint>).map((
      [name, endpoint]
    ) => [name, lazily(() => method(wire, endpoint))])
  ) as Methods

/**
 * Creates a client for the configured endpoint.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<AgbClient.Service, never, AgbConfig | Transport> = Effect.gen(function*() {
  const config = yield* AgbConfig
  const transport = yield* Transport
  const wire: Wire = { config, transport, retrier: retry.make(config.retry), deadlines: deadlines.make() }
  return { config, ...methods(wire) }
})

/**
 * Layer of the client, over a configuration and a transport.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<AgbClient, never, AgbConfig | Transport> = Layer.effect(AgbClient, make)
