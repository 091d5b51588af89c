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
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
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
import * as issues from "./internal/client/checks/issues.js"
import * as requestChecks from "./internal/client/checks/requestChecks.js"
import * as timeouts from "./internal/client/checks/timeouts.js"
import type { Cancellation } from "./internal/client/deadline/cancellation.js"
import * as deadlines from "./internal/client/deadline/deadlines.js"
import * as envelopes from "./internal/client/envelope.js"
import * as RequestId from "./internal/client/requestId.js"
import { Outcome } from "./internal/client/retry/outcome.js"
import * as retry from "./internal/client/retry/retry.js"
import * as retryBudgets from "./internal/client/retry/retryBudget.js"
import { RetryGate } from "./internal/client/retry/retryGate.js"
import * as sessionRoutes from "./internal/client/sessionRoutes.js"
import * as spans from "./internal/client/spans.js"
import { fromExchange } from "./internal/client/transport/exchangeFailure.js"
import { version } from "./internal/client/version.js"
import { parseJson } from "./internal/wire/codecs.js"
import { callLink } from "./internal/wire/endpoints/link.js"
import { type Exchange, Interceptor, type Reply, Transport } from "./Transport.js"

export type {
  /**
   * Options of every method of the client.
   *
   * @since 0.1.0
   * @category models
   */
  CallOptions
} from "./internal/client/callOptions.js"

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
   * One method per endpoint.
   *
   * @since 0.1.0
   * @category models
   */
  export type Methods = {
    readonly [K in EndpointName]: (
      request: RequestOf<Endpoints[K]>,
      options?: CallOptions
    ) => Effect.Effect<ReplyOf<Endpoints[K]>, ClientError>
  }

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
  /** For the endpoints whose calls wait together for a `Retry-After`. */
  readonly gates: Partial<Record<string, RetryGate>>
  /** What the paths of the endpoints are appended to. */
  readonly base: string
  /** The header that authenticates its calls. */
  readonly credential: Readonly<Record<string, string>>
  /** Removed from server text. */
  readonly secret: string
}

type Prepared = Omit<Exchange<ClientError>, "onCancel" | "progress" | "retrySafety">

interface Call {
  readonly operation: string
  readonly retrySafety: RetrySafety
  readonly sessionId: string | undefined
  readonly onReply: InternalCallOptions["onReply"]
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

/** Calls that may take minutes. */
const long: ReadonlySet<string> = new Set<EndpointName>(["callTool", "createSession", "initBrowser", "syncContext"])

/** Browsers name themselves; a page that sets the header needs the consent of the server. */
const isBrowser = "document" in globalThis || "importScripts" in globalThis

const agent = isBrowser ? {} : { "user-agent": `effect-agb/${version}` }

/** Encodes requests of an endpoint. */
const encoder = <Q extends object, QI, B extends object, BI, R, RI>(
  { base: origin, config, credential }: Wire,
  { body, method, name, path, query }: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const encodeQuery = ParseResult.encodeUnknownEither(query)
  const encodeBody = ParseResult.encodeUnknownEither(body)
  const base = {
    method,
    headers: {
      accept: "application/json",
      ...credential,
      "content-type": "application/json",
      ...agent
    },
    maxBytes: config.maxResponseBytes,
    isLong: long.has(name)
  }
  const build = (q: QI, b: BI): Prepared => ({
    ...base,
    url: origin + path + queryString(q as object),
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

/** The fields of a reply, with the request id wherever it was given. */
const withRequestId = ({ fields, requestId }: envelopes.Envelope) =>
  requestId === undefined ? fields : { ...fields, requestId }

/** Decodes replies of an endpoint to a value or a typed error. */
const decoder = <Q extends object, QI, B extends object, BI, R, RI>(
  { secret }: Wire,
  { reply, successRule }: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const decodeReply = ParseResult.decodeUnknownEither(reply)
  const redact = envelopes.redactor(secret)

  const result = (call: Call, reply: Reply, now: number, envelope: envelopes.Envelope) => {
    const { headers, status } = reply
    switch (envelopes.classify(successRule, status, envelope)) {
      case "success":
        return Either.mapLeft(decodeReply(withRequestId(envelope)), (issue) => {
          const { expected, place } = issues.first(issue)
          return malformed(call, place, expected, envelope.requestId)
        })
      case "failure":
        return Either.left(
          envelopes.failure({
            ...call,
            status,
            retryAfter: header(headers, "retry-after"),
            date: header(headers, "date"),
            envelope,
            redact
          }, now)
        )
      case "unknown":
        return Either.left(
          envelopes.isEnvelope(envelope.fields)
            ? malformed(call, "success", "true or false", envelope.requestId)
            : malformed(call, "body", "a JSON envelope", envelope.requestId)
        )
    }
  }

  return (call: Call, reply: Reply, now: number): Answer<R> => {
    const json = parseJson(reply.body)
    const content = Either.getOrElse(json, () => reply.body)
    const envelope = envelopes.read(content, header(reply.headers, "x-request-id"), redact)
    call.onReply?.(envelope.fields)
    return {
      requestId: envelope.requestId,
      result: reply.status < 300 && (reply.isInvalidUtf8 || Either.isLeft(json))
        ? Either.left(malformed(call, "body", reply.isInvalidUtf8 ? "UTF-8" : "a JSON envelope", envelope.requestId))
        : result(call, reply, now, envelope)
    }
  }
}

const whereLate = {
  connecting: ", while connecting",
  queued: ", while waiting for a connection",
  sent: "",
  unknown: "",
  unsent: ", before it could be sent"
}

const tooLate = ({ operation, retrySafety }: Call, timeout: Duration.Duration, outcome: Outcome) => () =>
  new TransportError({
    operation,
    reason: outcome.stage === "connecting" && !outcome.mayHaveHappened ? "Unreachable" : "Timeout",
    detail: Duration.format(timeout) + whereLate[outcome.stage ?? (outcome.mayHaveHappened ? "sent" : "unsent")],
    mayHaveHappened: retrySafety !== "safe" && outcome.mayHaveHappened,
    retryable: retrySafety !== "unsafe" || !outcome.mayHaveHappened
  })

const sessionIdOf = (request: unknown): string | undefined =>
  Predicate.hasProperty(request, "sessionId") && typeof request.sessionId === "string" ? request.sessionId : undefined

const method = <Q extends object, QI, B extends object, BI, R, RI>(
  wire: Wire,
  endpoint: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const check = requestChecks.make(endpoint.query, endpoint.body)
  const encode = encoder(wire, endpoint)
  const decode = decoder(wire, endpoint)
  const gate = wire.gates[endpoint.name]

  const attempt = (
    call: Call,
    prepared: Prepared,
    outcome: Outcome,
    onCancel: Cancellation<ClientError>
  ): Effect.Effect<R, ClientError> =>
    Effect.suspend(() =>
      wire.transport.exchange({
        ...prepared,
        retrySafety: call.retrySafety,
        progress: outcome.start(),
        onCancel
      })
    ).pipe(
      Effect.mapError((error) => error._tag === "ExchangeError" ? fromExchange(call, error, prepared.maxBytes) : error),
      Effect.flatMap((reply) =>
        Effect.clockWith((clock) => {
          const { requestId, result } = decode(call, reply, clock.unsafeCurrentTimeMillis())
          return requestId === undefined ? result : Effect.zipRight(RequestId.record(requestId), result)
        })
      ),
      Effect.mapError((error) => outcome.fail(error))
    )

  return (request: Q & B, options: InternalCallOptions = {}): Effect.Effect<R, ClientError> =>
    Effect.clockWith((clock) => {
      const refused = check(options.operation ?? endpoint.name, request, options)
      if (refused !== undefined) return Effect.fail(refused)
      const call: Call = {
        operation: options.operation ?? endpoint.name,
        retrySafety: options.retrySafety ?? endpoint.retrySafety,
        sessionId: options.sessionId ?? sessionIdOf(request),
        onReply: options.onReply
      }
      const encoded = encode(request)
      if (Either.isLeft(encoded)) return Effect.fail(issues.invalidRequest(call.operation, encoded.left))
      const timeout = timeouts.parse(call.operation, options.timeout ?? wire.config.timeout)
      if (Either.isLeft(timeout)) return Effect.fail(timeout.left)
      const total = options.margin === undefined ? timeout.right : Duration.sum(timeout.right, options.margin)
      const outcome = new Outcome()
      const delay = Duration.toMillis(total)
      const deadline = clock.unsafeCurrentTimeMillis() + delay
      const run = deadlines.run(
        delay,
        tooLate(call, total, outcome),
        outcome.exact(options.onCancel),
        (onCancel) => {
          const once = attempt(call, encoded.right, outcome, onCancel)
          const { operation } = call
          const gated = gate === undefined ? once : gate.pass(once, { operation, deadline, onCancel })
          return wire.retrier.run({ attempt: gated, deadline, onCancel })
        }
      )
      return options.hasSpan === false ? run : spans.request(`AgbClient.${endpoint.name}`, call.sessionId)(run)
    })
}

type AnyEndpoint = Endpoint<object, unknown, object, unknown, unknown, unknown>

/** Compiles encoders and decoders on the first call of an endpoint: most programs use only a few endpoints. */
const lazily = <Args extends ReadonlyArray<unknown>, A>(make: () => (...args: Args) => A): (...args: Args) => A => {
  let made: ((...args: Args) => A) | undefined
  return (...args) => (made ??= make())(...args)
}

const methods = (wire: Wire): AgbClient.Methods =>
  Object.fromEntries(
    Object.entries(endpoints as Record<string, AnyEndpoint>).map((
      [name, endpoint]
    ) => [name, lazily(() => method(wire, endpoint))])
  ) as AgbClient.Methods

/**
 * Creates a client for the configured endpoint. A `Transport.Interceptor` in its context is used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<AgbClient.Service, never, AgbConfig | Transport> = Effect.gen(function*() {
  const config = yield* AgbConfig
  const own = yield* Transport
  const intercept = yield* Effect.serviceOption(Interceptor)
  const transport = Option.match(intercept, {
    onNone: () => own,
    onSome: (change) => change(own)
  })
  const budget = new retryBudgets.RetryBudget()
  const secret = Redacted.value(config.apiKey)
  const wire: Wire = {
    config,
    transport,
    retrier: retry.make(config.retry, budget),
    gates: { createSession: new RetryGate() },
    base: config.endpoint,
    credential: { authorization: `Bearer ${secret}` },
    secret
  }
  const client = retryBudgets.attach({ config, ...methods(wire) }, budget)
  return sessionRoutes.attach(client, {
    transport,
    retrier: wire.retrier,
    link: (base, token) => method({ ...wire, base, credential: { "x-access-token": token }, secret: token }, callLink)
  })
})

/**
 * Layer of the client, over a configuration and a transport.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<AgbClient, never, AgbConfig | Transport> = Layer.effect(AgbClient, make)
