/**
 * The wire: one typed method per endpoint, over any `HttpClient` of the platform. A method checks its request before
 * anything is sent, turns the envelope into a value or a typed error, repeats what is safe to repeat inside one
 * deadline, and leaves a span named `AgbClient.<endpoint>`.
 *
 * Most programs use `Session` and its modules instead and never see this service.
 *
 * @since 0.1.0
 */
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
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
  type Repeat,
  type ReplyOf,
  type RequestOf
} from "./AgbApi.js"
import { AgbConfig } from "./AgbConfig.js"
import { type ClientError, MalformedResponseError, TransportError } from "./AgbError.js"
import * as envelopes from "./internal/envelope.js"
import * as http from "./internal/http.js"
import * as issues from "./internal/issues.js"
import * as RequestId from "./internal/requestId.js"
import * as retry from "./internal/retry.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface CallOptions {
  /** Deadline of this call, all attempts together. Default: `timeout` of the configuration. */
  readonly timeout?: Duration.Duration | undefined
  /** How safely this call may be repeated. Default: what the endpoint says. */
  readonly repeat?: Repeat | undefined
  /** The name under which errors speak of this call. Default: the endpoint's. */
  readonly operation?: string | undefined
}

type Methods = {
  readonly [K in EndpointName]: (
    request: RequestOf<Endpoints[K]>,
    options?: CallOptions
  ) => Effect.Effect<ReplyOf<Endpoints[K]>, ClientError>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class AgbClient extends Context.Tag("@effect-agb/core/AgbClient")<AgbClient, AgbClient.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace AgbClient {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service extends Methods {
    readonly config: AgbConfig.Service
  }
}

interface Wire {
  readonly config: AgbConfig.Service
  readonly client: HttpClient.HttpClient
  readonly retrier: retry.Retrier
}

interface Call {
  readonly operation: string
  readonly repeat: Repeat
  readonly sessionId: string | undefined
}

const malformed = (call: Call, path: string, expected: string, requestId?: string) =>
  new MalformedResponseError({
    operation: call.operation,
    requestId,
    path,
    expected,
    mayHaveHappened: call.repeat !== "read",
    retryable: call.repeat === "read"
  })

const queryString = (query: object): string => {
  const params = new URLSearchParams(Object.entries(query) as Array<[string, string]>).toString()
  return params === "" ? "" : `?${params}`
}

const parseJson = (text: string): Either.Either<unknown, unknown> => Either.try((): unknown => JSON.parse(text))

/** Encodes a request of one endpoint, or says which field is wrong. */
const encoder = <Q extends object, QI, B extends object, BI, R, RI>(
  { config }: Wire,
  { body, method, path, query }: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const encodeQuery = ParseResult.encodeUnknownEither(query)
  const encodeBody = ParseResult.encodeUnknownEither(body)
  const build = HttpClientRequest.make(method)
  const headers = {
    authorization: `Bearer ${Redacted.value(config.apiKey)}`,
    "content-type": "application/json"
  }
  return (request: Q & B): Either.Either<HttpClientRequest.HttpClientRequest, ParseResult.ParseIssue> =>
    Either.flatMap(
      encodeQuery(request),
      (q) =>
        Either.map(encodeBody(request), (b) =>
          build(config.endpoint + path + queryString(q as object), {
            headers,
            ...(method === "POST" ? { body: HttpBody.text(JSON.stringify(b), "application/json") } : {})
          }))
    )
}

interface Answer<R> {
  readonly requestId: string | undefined
  readonly result: Either.Either<R, ClientError>
}

/** Turns a reply of one endpoint into its value or a typed error. */
const decoder = <Q extends object, QI, B extends object, BI, R, RI>(
  { config }: Wire,
  { judge, reply }: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const decodeReply = ParseResult.decodeUnknownEither(reply)
  const redact = (text: string) => text.replaceAll(Redacted.value(config.apiKey), "<redacted>").slice(0, 500)

  const result = (call: Call, reply: http.HttpReply, now: number, envelope: envelopes.Envelope) => {
    const { headers, status } = reply
    switch (envelopes.verdict(judge, status, envelope)) {
      case "success":
        return Either.mapLeft(decodeReply({ ...envelope.fields, requestId: envelope.requestId }), (issue) => {
          const { expected, field } = issues.first(issue)
          return malformed(call, field, expected, envelope.requestId)
        })
      case "failure":
        return Either.left(
          envelopes.failure({ ...call, status, retryAfter: headers["retry-after"], envelope, redact }, now)
        )
      case "open":
        return Either.left(malformed(call, "success", "an outcome", envelope.requestId))
    }
  }

  return (call: Call, reply: http.HttpReply, now: number): Answer<R> => {
    const json = parseJson(reply.body)
    const envelope = envelopes.read(Either.getOrElse(json, () => reply.body), reply.headers["x-request-id"])
    return {
      requestId: envelope.requestId,
      result: Either.isLeft(json) && reply.status < 300
        ? Either.left(malformed(call, "body", "a JSON envelope", envelope.requestId))
        : result(call, reply, now, envelope)
    }
  }
}

const note = (requestId: string | undefined) =>
  requestId === undefined ? Effect.void : Effect.zipRight(
    Effect.annotateCurrentSpan("agb.request_id", requestId),
    Effect.map(FiberRef.get(RequestId.current), (cell) => {
      if (cell !== undefined) cell.value = requestId
    })
  )

const tooLate = (call: Call, timeout: Duration.Duration) => () =>
  new TransportError({
    operation: call.operation,
    reason: "Timeout",
    detail: Duration.format(timeout),
    mayHaveHappened: call.repeat !== "read",
    retryable: call.repeat !== "once"
  })

const sessionIdOf = (request: unknown): string | undefined =>
  Predicate.hasProperty(request, "sessionId") && typeof request.sessionId === "string" ? request.sessionId : undefined

const method = <Q extends object, QI, B extends object, BI, R, RI>(
  wire: Wire,
  endpoint: Endpoint<Q, QI, B, BI, R, RI>
) => {
  const encode = encoder(wire, endpoint)
  const decode = decoder(wire, endpoint)

  const attempt = (call: Call, request: HttpClientRequest.HttpClientRequest): Effect.Effect<R, ClientError> =>
    Effect.gen(function*() {
      const reply = yield* http.execute(wire.client, request, { ...call, maxBytes: wire.config.maxResponseBytes })
      const answer = decode(call, reply, yield* Clock.currentTimeMillis)
      yield* note(answer.requestId)
      return yield* answer.result
    })

  return (request: Q & B, options: CallOptions = {}): Effect.Effect<R, ClientError> =>
    Effect.suspend(() => {
      const call: Call = {
        operation: options.operation ?? endpoint.name,
        repeat: options.repeat ?? endpoint.repeat,
        sessionId: sessionIdOf(request)
      }
      const encoded = encode(request)
      if (Either.isLeft(encoded)) return Effect.fail(issues.invalidRequest(call.operation, encoded.left))
      const timeout = options.timeout ?? wire.config.timeout
      return Effect.flatMap(Clock.currentTimeMillis, (now) =>
        wire.retrier.run(attempt(call, encoded.right), now + Duration.toMillis(timeout))).pipe(
          Effect.timeoutFail({ duration: timeout, onTimeout: tooLate(call, timeout) }),
          Effect.withSpan(`AgbClient.${endpoint.name}`, {
            kind: "client",
            captureStackTrace: false,
            attributes: call.sessionId === undefined ? {} : { "agb.session_id": call.sessionId }
          })
        )
    })
}

/**
 * A client for the configured endpoint.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<AgbClient.Service, never, AgbConfig | HttpClient.HttpClient> = Effect.gen(function*() {
  const config = yield* AgbConfig
  const client = (yield* HttpClient.HttpClient).pipe(HttpClient.withTracerDisabledWhen(() => true))
  const wire: Wire = { config, client, retrier: retry.make(config.retry) }
  return {
    config,
    createSession: method(wire, endpoints.createSession),
    releaseSession: method(wire, endpoints.releaseSession),
    releaseSessionAsync: method(wire, endpoints.releaseSessionAsync),
    getSession: method(wire, endpoints.getSession),
    getSessionInfo: method(wire, endpoints.getSessionInfo),
    ListSession: method(wire, endpoints.ListSession),
    SetLabel: method(wire, endpoints.SetLabel),
    GetLabel: method(wire, endpoints.GetLabel),
    getMcpResource: method(wire, endpoints.getMcpResource),
    refreshSessionIdleTime: method(wire, endpoints.refreshSessionIdleTime),
    listTools: method(wire, endpoints.listTools),
    callTool: method(wire, endpoints.callTool),
    getLink: method(wire, endpoints.getLink)
  }
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<AgbClient, never, AgbConfig | HttpClient.HttpClient> = Layer.effect(AgbClient, make)
