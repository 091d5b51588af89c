/**
 * The other side of the wire: turns one handler per endpoint into a function from an HTTP request to an HTTP reply,
 * and one handler per tool into tool replies. The local runtime is made of it, and so is any fake; it knows no socket.
 *
 * Whatever does not decode is answered with the documented envelope, a request id and a message that names the field.
 *
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
import * as issues from "./internal/client/issues.js"

/**
 * A refusal in the server's own words: HTTP status, error code and message.
 *
 * @since 0.1.0
 * @category errors
 */
export class Refusal extends Schema.TaggedError<Refusal>("@effect-agb/core/Refusal")("Refusal", {
  status: Schema.Number,
  code: Schema.String,
  message: Schema.String
}) {}

/**
 * A tool that failed. `text` is what the client is told.
 *
 * @since 0.1.0
 * @category errors
 */
export class ToolFailure extends Schema.TaggedError<ToolFailure>("@effect-agb/core/ToolFailure")("ToolFailure", {
  text: Schema.String,
  /** The same for clients that show the text as it is; `text` when absent. */
  plain: Schema.optional(Schema.String)
}) {}

/**
 * What answers the endpoints.
 *
 * @since 0.1.0
 * @category models
 */
export type Handlers = {
  readonly [K in EndpointName]: (
    request: RequestOf<Endpoints[K]>,
    http: HttpRequest
  ) => Effect.Effect<ReplyOf<Endpoints[K]>, Refusal>
}

/**
 * What answers the tools of one session. `E` is what ends the whole call instead of being an answer of the tool.
 *
 * @since 0.1.0
 * @category models
 */
export type ToolHandlers<E = never> = {
  readonly [K in ToolName]: (args: ArgsOf<Tools[K]>) => Effect.Effect<ResultOf<Tools[K]>, ToolFailure | E>
}

/**
 * A request as any HTTP server can give it. `body` is empty when there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: string
  /** The header of that name: some clients can be told apart by nothing else. */
  readonly userAgent?: string | undefined
}

/**
 * A reply: JSON text, to be sent as `application/json`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpReply {
  readonly status: number
  readonly requestId: string
  readonly body: string
}

type Answer = (request: HttpRequest) => Effect.Effect<object, Refusal>

const invalidParameter = (issue: ParseResult.ParseIssue, whole = "the body"): Refusal => {
  const { actual, expected, field } = issues.first(issue)
  const name = field === "" ? whole : field
  return new Refusal({
    status: 400,
    code: "InvalidParameter",
    message: `${name} must be ${expected}, but was ${issues.describe(actual, field)}`
  })
}

const notJson = new Refusal({ status: 400, code: "InvalidParameter", message: "the body must be a JSON object" })

/** No body at all is no field, and so is the `null` that some libraries send for none. */
const parseBody = (body: string): Either.Either<unknown, Refusal> =>
  body.trim() === ""
    ? Either.right({})
    : Either.try({ try: (): unknown => JSON.parse(body) ?? {}, catch: () => notJson })

/**
 * Decodes what a client sent outside of the endpoints, such as a frame; the refusal names the field that does not decode.
 * `whole` is what the message calls the value itself.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decoder = <A, I>(
  schema: Schema.Schema<A, I>,
  whole: string = "the body"
): (input: unknown) => Either.Either<A, Refusal> => {
  const decode = ParseResult.decodeUnknownEither(schema)
  return (input) => Either.mapLeft(decode(input), (issue) => invalidParameter(issue, whole))
}

/** Some clients send what they leave out with an empty value: where that is none, it is left out. */
const withoutEmpty = (query: URLSearchParams): object =>
  Object.fromEntries([...query].filter(([, value]) => value !== ""))

/** Decodes the request, calls the handler and encodes its reply into the fields of the envelope. */
const answer = <Q extends object, QI, B extends object, BI, R, RI>(
  { body, query, reply }: Endpoint<Q, QI, B, BI, R, RI>,
  handler: (request: Q & B, http: HttpRequest) => Effect.Effect<R, Refusal>
): Answer => {
  const decodeQuery = ParseResult.decodeUnknownEither(query)
  const decodeFields = (query: URLSearchParams) =>
    Either.orElse(decodeQuery(Object.fromEntries(query)), () => decodeQuery(withoutEmpty(query)))
  const decodeBody = ParseResult.decodeUnknownEither(body)
  const encodeReply = ParseResult.encodeSync(reply)
  const decode = (request: HttpRequest): Either.Either<Q & B, Refusal> =>
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

/** The oldest clients see a failed tool call only through `isError`, so a refused call carries one. */
const failedTool = (message: string): { readonly data: ToolReply } => ({
  data: { content: [{ type: "text", text: message }], isError: true }
})

const refusal = (requestId: string, path: string, { code, message, status }: Refusal): HttpReply =>
  envelope(requestId, status, {
    success: false,
    code,
    message,
    ...(path === endpoints.callTool.path ? failedTool(message) : {})
  })

const newRequestId = (): string => crypto.randomUUID().toUpperCase()

/**
 * The reply to a request that is refused before any handler sees it, e.g. for its key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const refuse = (path: string, error: Refusal, requestId: string = newRequestId()): HttpReply =>
  refusal(requestId, path, error)

/**
 * The reply to a request that succeeded outside of the endpoints: the fields stand in the envelope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const accept = (fields: object, requestId: string = newRequestId()): HttpReply =>
  envelope(requestId, 200, { success: true, ...fields })

const internal = new Refusal({ status: 500, code: "InternalError", message: "the server failed" })

/**
 * The error that says that a session is not there, as clients expect it.
 *
 * @since 0.1.0
 * @category errors
 */
export const sessionNotFound = (sessionId: string): Refusal =>
  new Refusal({
    status: 404,
    code: "InvalidMcpSession.NotFound",
    message: `The specified session ${sessionId} is not found.`
  })

/**
 * Answers one request at a time with the handlers; it never fails. An endpoint without a handler does not exist. A defect of a handler is an envelope with status
 * 500 and is handed to `onDefect`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  handlers: Partial<Handlers>,
  onDefect: (cause: Cause.Cause<never>) => Effect.Effect<void> = () => Effect.void
): (request: HttpRequest) => Effect.Effect<HttpReply> => {
  const routes = new Map<string, Answer>()
  const route = <K extends EndpointName>(name: K, add: (endpoint: Endpoints[K], handler: Handlers[K]) => Answer) => {
    const handler = handlers[name]
    if (handler === undefined) return
    routes.set(`${endpoints[name].method} ${endpoints[name].path}`, add(endpoints[name], handler))
  }
  route("createSession", answer)
  route("releaseSession", answer)
  route("releaseSessionAsync", answer)
  route("getSession", answer)
  route("getSessionInfo", answer)
  route("ListSession", answer)
  route("SetLabel", answer)
  route("GetLabel", answer)
  route("getMcpResource", answer)
  route("refreshSessionIdleTime", answer)
  route("listTools", answer)
  route("callTool", answer)
  route("getLink", answer)
  route("initBrowser", answer)
  route("getCdpLink", answer)
  route("ListContexts", answer)
  route("GetContext", answer)
  route("ModifyContext", answer)
  route("DeleteContext", answer)
  route("ClearContext", answer)
  route("SyncContext", answer)
  route("GetContextInfo", answer)
  route("GetContextFileUploadUrl", answer)
  route("GetContextFileDownloadUrl", answer)
  route("DescribeContextFiles", answer)
  route("DeleteContextFile", answer)
  route("GetAndLoadInternalContext", answer)

  return (request) => {
    const requestId = newRequestId()
    const found = routes.get(`${request.method} ${request.path}`)
    const answered = found === undefined
      ? Effect.fail(new Refusal({ status: 404, code: "InvalidAction.NotFound", message: "there is no such endpoint" }))
      : found(request)
    return answered.pipe(
      Effect.map((fields) => accept(fields, requestId)),
      Effect.catchTag("Refusal", (error) => Effect.succeed(refusal(requestId, request.path, error))),
      Effect.catchAllDefect((defect) =>
        Effect.as(onDefect(Cause.die(defect)), refusal(requestId, request.path, internal))
      )
    )
  }
}

const says = (text: string, isError: boolean): ToolReply => ({ content: [{ type: "text", text }], isError })

/**
 * How a tool's answer is written: `structured` for clients that read it, `plain` for those of the first generation (v0.2),
 * which show the text as it is.
 *
 * @since 0.1.0
 * @category models
 */
export type AnswerForm = "structured" | "plain"

/** Decodes the arguments, calls the handler and writes its result as the text that clients read. */
const answerTool = <A extends object, AI, R, E>(
  tool: Tool<A, AI, R>,
  handler: (args: A) => Effect.Effect<R, ToolFailure | E>
) => {
  const decodeArgs = ParseResult.decodeUnknownEither(tool.args)
  const encodeResult = ParseResult.encodeSync(tool.result)
  const write = (result: R, form: AnswerForm): ToolReply => {
    const plain = form === "plain" ? tool.plain?.(result) : undefined
    return plain === undefined ? says(encodeResult(result), false) : says(plain.text, plain.isError)
  }
  const fail = ({ plain, text }: ToolFailure, form: AnswerForm): ToolReply =>
    says(form === "plain" ? plain ?? text : text, true)
  return (args: unknown, form: AnswerForm): Effect.Effect<ToolReply, E> =>
    Either.match(decodeArgs(args), {
      onLeft: (issue) => Effect.succeed(says(`${tool.name}: ${invalidParameter(issue).message}`, true)),
      onRight: (decoded) =>
        Effect.matchEffect(handler(decoded), {
          onFailure: (error) => error instanceof ToolFailure ? Effect.succeed(fail(error, form)) : Effect.fail(error),
          onSuccess: (result) => Effect.succeed(write(result, form))
        })
    })
}

/**
 * Calls a tool by name. Bad arguments, an unknown tool and a failing one are answers with `isError`, as on the wire.
 * `form` is `structured` unless said.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeTools = <E>(
  handlers: ToolHandlers<E>
): (name: string, args: unknown, form?: AnswerForm) => Effect.Effect<ToolReply, E> => {
  const { create_directory, delete_file, edit_file, get_file_change, get_file_info, get_metrics } = tools
  const { list_directory, move_file, read_file, read_multiple_files, run_code, search_files, shell, write_file } = tools
  const answers = new Map([
    [run_code.name, answerTool(run_code, handlers.run_code)],
    [shell.name, answerTool(shell, handlers.shell)],
    [create_directory.name, answerTool(create_directory, handlers.create_directory)],
    [delete_file.name, answerTool(delete_file, handlers.delete_file)],
    [edit_file.name, answerTool(edit_file, handlers.edit_file)],
    [get_file_info.name, answerTool(get_file_info, handlers.get_file_info)],
    [list_directory.name, answerTool(list_directory, handlers.list_directory)],
    [move_file.name, answerTool(move_file, handlers.move_file)],
    [read_file.name, answerTool(read_file, handlers.read_file)],
    [read_multiple_files.name, answerTool(read_multiple_files, handlers.read_multiple_files)],
    [search_files.name, answerTool(search_files, handlers.search_files)],
    [write_file.name, answerTool(write_file, handlers.write_file)],
    [get_file_change.name, answerTool(get_file_change, handlers.get_file_change)],
    [get_metrics.name, answerTool(get_metrics, handlers.get_metrics)]
  ])
  return (name, args, form = "structured") =>
    answers.get(name)?.(args, form) ?? Effect.succeed(says(`there is no tool named ${name.slice(0, 64)}`, true))
}
