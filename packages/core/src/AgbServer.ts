/**
 * Server side of the API: converts one handler per endpoint to a function from HTTP requests to HTTP replies, and one
 * handler per tool to a function that returns tool replies. It opens no socket; the local runtime and in-memory fakes use it.
 *
 * A request that cannot be decoded gets an error envelope with a request id and a message that names the invalid field.
 *
 * This module may change in any release.
 *
 * @experimental
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import {
  type Endpoint,
  type EndpointName,
  type Endpoints,
  endpoints,
  type ReplyOf,
  type RequestOf,
  type ToolReply
} from "./AgbApi.js"
import { type ArgsOf, type ResultOf, type Tool, type ToolName, type Tools, tools } from "./AgbTools.js"
import * as issues from "./internal/client/checks/issues.js"

/**
 * An error reply: HTTP status, error code and message.
 *
 * @since 0.1.0
 * @category errors
 */
export class ApiError extends Schema.TaggedError<ApiError>("@effect-agb/core/ApiError")("ApiError", {
  status: Schema.Number,
  code: Schema.String,
  message: Schema.String
}) {}

/**
 * Failure of a tool. `text` is sent to the client.
 *
 * @since 0.1.0
 * @category errors
 */
export class ToolFailure extends Schema.TaggedError<ToolFailure>("@effect-agb/core/ToolFailure")("ToolFailure", {
  text: Schema.String,
  /** The text for clients that display it unparsed. Default: `text`. */
  plain: Schema.optional(Schema.String)
}) {}

/**
 * One handler per endpoint.
 *
 * @since 0.1.0
 * @category models
 */
export type Handlers = {
  readonly [K in EndpointName]: (
    request: RequestOf<Endpoints[K]>,
    http: HttpRequest
  ) => Effect.Effect<ReplyOf<Endpoints[K]>, ApiError>
}

/**
 * One handler per tool of a session. An error of type `E` fails the call itself instead of becoming a reply of the tool.
 *
 * @since 0.1.0
 * @category models
 */
export type ToolHandlers<E = never> = {
  readonly [K in ToolName]: (args: ArgsOf<Tools[K]>) => Effect.Effect<ResultOf<Tools[K]>, ToolFailure | E>
}

/**
 * An HTTP request. `body` is empty if there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: string
  /** The `User-Agent` header, the only way to distinguish some clients. */
  readonly userAgent?: string | undefined
  /** The id of the request, which its reply gets. Default: a new one. */
  readonly requestId?: string | undefined
}

/**
 * An HTTP reply. `body` is JSON text, to be sent as `application/json`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpReply {
  readonly status: number
  readonly requestId: string
  readonly body: string
}

/** Untyped views of the tables; their types are enforced by `Handlers` and `ToolHandlers`. */
type AnyEndpoint = Endpoint<object, unknown, object, unknown, unknown, unknown>
type AnyHandler = (request: object, http: HttpRequest) => Effect.Effect<unknown, ApiError>
type AnyTool = Tool<object, unknown, unknown>
type AnyToolHandler<E> = (args: object) => Effect.Effect<unknown, ToolFailure | E>
type ToolAnswer<E> = (args: unknown, format: ReplyFormat) => Effect.Effect<ToolReply, E>

type Answer = (request: HttpRequest) => Effect.Effect<object, ApiError>

const invalidParameter = (issue: ParseResult.ParseIssue, whole = "the body"): ApiError => {
  const { actual, expected, field } = issues.first(issue)
  const name = field === "" ? whole : field
  return new ApiError({
    status: 400,
    code: "InvalidParameter",
    message: `${name} must be ${expected}, but was ${issues.describe(actual, field)}`
  })
}

const notJson = () => new ApiError({ status: 400, code: "InvalidParameter", message: "the body must be a JSON object" })

/** An absent body has no fields; some libraries send `null` instead. */
const parseBody = (body: string): Either.Either<unknown, ApiError> =>
  body.trim() === ""
    ? Either.right({})
    : Either.try({ try: (): unknown => JSON.parse(body) ?? {}, catch: notJson })

/**
 * Decodes input other than endpoint requests, e.g. WebSocket frames. The error names the invalid field; `whole` is the name
 * of the value itself in messages.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decoder = <A, I>(
  schema: Schema.Schema<A, I>,
  whole: string = "the body"
): (input: unknown) => Either.Either<A, ApiError> => {
  const decode = ParseResult.decodeUnknownEither(schema)
  return (input) => Either.mapLeft(decode(input), (issue) => invalidParameter(issue, whole))
}

/** Some clients send absent parameters as empty strings. */
const withoutEmpty = (query: URLSearchParams): object =>
  Object.fromEntries([...query].filter(([, value]) => value !== ""))

/** Decodes the request, calls the handler, and encodes its reply as envelope fields. */
const answer = <Q extends object, QI, B extends object, BI, R, RI>(
  { body, query, reply }: Endpoint<Q, QI, B, BI, R, RI>,
  handler: (request: Q & B, http: HttpRequest) => Effect.Effect<R, ApiError>
): Answer => {
  const decodeQuery = ParseResult.decodeUnknownEither(query)
  const decodeFields = (query: URLSearchParams) =>
    Either.orElse(decodeQuery(Object.fromEntries(query)), () => decodeQuery(withoutEmpty(query)))
  const decodeBody = ParseResult.decodeUnknownEither(body)
  const encodeReply = ParseResult.encodeSync(reply)
  const decode = (request: HttpRequest): Either.Either<Q & B, ApiError> =>
    Either.flatMap(
      Either.mapLeft(decodeFields(request.query), invalidParameter),
      (fromQuery) =>
        Either.flatMap(parseBody(request.body), (json) =>
          Either.mapBoth(decodeBody(json), {
            onLeft: invalidParameter,
            onRight: (fromBody) => ({ ...fromQuery, ...fromBody })
          }))
    )
  return (request) =>
    Effect.flatMap(
      decode(request),
      (decoded) => Effect.map(handler(decoded, request), (value) => encodeReply(value) as object)
    )
}

const envelope = (requestId: string, status: number, rest: object): HttpReply => ({
  status,
  requestId,
  body: JSON.stringify({ code: "ok", message: null, httpStatusCode: status, ...rest, requestId })
})

/** The oldest clients detect a failed tool call only by `isError`, so rejected calls include it. */
const failedTool = (message: string): { readonly data: ToolReply } => ({
  data: { content: [{ type: "text", text: message }], isError: true }
})

const failure = (requestId: string, path: string, { code, message, status }: ApiError): HttpReply =>
  envelope(requestId, status, {
    success: false,
    code,
    message,
    ...(path === endpoints.callTool.path ? failedTool(message) : {})
  })

const newRequestId = (): string => crypto.randomUUID().toUpperCase()

/**
 * Creates the reply to a request that fails before it reaches a handler, e.g. because of an invalid key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const errorReply = (path: string, error: ApiError, requestId: string = newRequestId()): HttpReply =>
  failure(requestId, path, error)

/**
 * Creates the reply to a successful request outside of the endpoints, with the given envelope fields.
 *
 * @since 0.1.0
 * @category constructors
 */
export const successReply = (fields: object, requestId: string = newRequestId()): HttpReply =>
  envelope(requestId, 200, { success: true, ...fields })

const internal = () => new ApiError({ status: 500, code: "InternalError", message: "the server failed" })

/**
 * Creates the error for a missing session, in the format that clients expect.
 *
 * @since 0.1.0
 * @category errors
 */
export const sessionNotFound = (sessionId: string): ApiError =>
  new ApiError({
    status: 404,
    code: "InvalidMcpSession.NotFound",
    message: `The specified session ${sessionId} is not found.`
  })

/**
 * Creates a request handler; it never fails. An endpoint without a handler gets a 404, a defect of a handler a 500, and the
 * defect is passed to `onDefect`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  handlers: Partial<Handlers>,
  onDefect: (cause: Cause.Cause<never>) => Effect.Effect<void> = () => Effect.void
): (request: HttpRequest) => Effect.Effect<HttpReply> => {
  const routes = new Map<string, Answer>()
  const table = handlers as Readonly<Record<string, AnyHandler | undefined>>
  for (const [name, endpoint] of Object.entries(endpoints as unknown as Readonly<Record<string, AnyEndpoint>>)) {
    const handler = table[name]
    if (handler !== undefined) routes.set(`${endpoint.method} ${endpoint.path}`, answer(endpoint, handler))
  }

  return (request) => {
    const requestId = request.requestId ?? newRequestId()
    const found = routes.get(`${request.method} ${request.path}`)
    const answered = found === undefined
      ? Effect.fail(new ApiError({ status: 404, code: "InvalidAction.NotFound", message: "there is no such endpoint" }))
      : found(request)
    return answered.pipe(
      Effect.map((fields) => successReply(fields, requestId)),
      Effect.catchTag("ApiError", (error) => Effect.succeed(failure(requestId, request.path, error))),
      Effect.catchAllDefect((defect) =>
        Effect.as(onDefect(Cause.die(defect)), failure(requestId, request.path, internal()))
      )
    )
  }
}

const textReply = (text: string, isError: boolean): ToolReply => ({ content: [{ type: "text", text }], isError })

/**
 * Format of a tool reply: `v0.12` is structured text that clients parse, `v0.2` is for first-generation clients, which
 * display the text unparsed.
 *
 * @since 0.1.0
 * @category models
 */
export type ReplyFormat = "v0.12" | "v0.2"

/** Decodes the arguments, calls the handler and encodes its result as text. */
const answerTool = <A extends object, AI, R, E>(
  tool: Tool<A, AI, R>,
  handler: (args: A) => Effect.Effect<R, ToolFailure | E>
) => {
  const decodeArgs = ParseResult.decodeUnknownEither(tool.args)
  const encodeResult = ParseResult.encodeSync(tool.result)
  const write = (result: R, format: ReplyFormat): ToolReply => {
    const plain = format === "v0.2" ? tool.plain?.(result) : undefined
    return plain === undefined ? textReply(encodeResult(result), false) : textReply(plain.text, plain.isError)
  }
  const fail = ({ plain, text }: ToolFailure, format: ReplyFormat): ToolReply =>
    textReply(format === "v0.2" ? plain ?? text : text, true)
  return (args: unknown, format: ReplyFormat): Effect.Effect<ToolReply, E> =>
    Either.match(decodeArgs(args), {
      onLeft: (issue) => Effect.succeed(textReply(`${tool.name}: ${invalidParameter(issue).message}`, true)),
      onRight: (decoded) =>
        Effect.matchEffect(handler(decoded), {
          onFailure: (error) => error instanceof ToolFailure ? Effect.succeed(fail(error, format)) : Effect.fail(error),
          onSuccess: (result) => Effect.succeed(write(result, format))
        })
    })
}

/**
 * Creates a function that calls tools by name. Invalid arguments, unknown tools and tool failures become replies with
 * `isError`. Default `format`: `v0.12`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeTools = <E>(
  handlers: ToolHandlers<E>
): (name: string, args: unknown, format?: ReplyFormat) => Effect.Effect<ToolReply, E> => {
  const table = handlers as unknown as Readonly<Record<string, AnyToolHandler<E>>>
  const replies = new Map<string, ToolAnswer<E>>()
  for (const [name, tool] of Object.entries(tools as unknown as Readonly<Record<string, AnyTool>>)) {
    replies.set(name, answerTool(tool, table[name]!))
  }
  return (name, args, format = "v0.12") =>
    replies.get(name)?.(args, format) ?? Effect.succeed(textReply(`there is no tool named ${name.slice(0, 64)}`, true))
}
