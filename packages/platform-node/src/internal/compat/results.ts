/** Results in the shapes of the official SDK, made from those of the promise API. */
import type { AgbError } from "@effect-agb/core/AgbError"
import type * as Promises from "@effect-agb/core/OperationResult"

/**
 * Fields of every result. `errorMessage` is absent after a success, and that of a command that exited with another code
 * than 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface ApiResponse {
  /** Id of the last request, empty if none was made. */
  requestId: string
  success: boolean
  errorMessage?: string
  /** The typed error of this SDK after a failure. Not enumerable. */
  readonly cause?: AgbError
}

type Succeeded<R> = Extract<R, { readonly success: true }>

type Failed<R> = Extract<R, { readonly success: false }>

/** Fields that are undefined are left out, except for the two that decide the shape. */
const present = <A extends object>(fields: A): A =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as A

/** A result whose `cause` is not printed. */
const withCause = <A extends object>(result: A, cause: AgbError | undefined): A =>
  cause === undefined ? result : Object.defineProperty(result, "cause", { value: cause, enumerable: false })

/** The words of the server where it said why, as the official SDK shows them. Those of this SDK are in `cause`. */
export const messageOf = (error: AgbError): string => {
  switch (error._tag) {
    case "SessionLostError":
      return `The session ${error.sessionId} is not found`
    case "AuthenticationError":
    case "RequestRejectedError":
    case "RateLimitedError":
    case "ServerError":
    case "ToolError":
    case "FileError":
    case "FileNotFoundError":
      return error.detail === "" ? error.message : error.detail
    default:
      return error.message
  }
}

/**
 * Turns a result into one with other fields. `onFailure` gives those of a failure, and can replace its message.
 */
export const answer = async <R extends Promises.Succeeded | Promises.Failed, A extends object, B extends object>(
  given: Promise<R>,
  onSuccess: (result: Succeeded<R>) => A,
  onFailure: (result: Failed<R>) => B
): Promise<ApiResponse & (A | B)> => {
  const result = await given
  if (result.success) {
    return { requestId: result.requestId, success: true, ...present(onSuccess(result as Succeeded<R>)) }
  }
  const { error } = result
  // Of several requests it is the one that failed.
  const requestId = "requestId" in error && error.requestId ? error.requestId : result.requestId
  const failed = present({
    requestId,
    success: false,
    errorMessage: messageOf(error),
    ...onFailure(result as Failed<R>)
  })
  return withCause(failed, error)
}

/** A failure without a request. */
export const refused = <B extends object>(errorMessage: string, fields: B): ApiResponse & B => ({
  requestId: "",
  success: false,
  errorMessage,
  ...fields
})

const nothing = () => ({})

/** No field but those of every result. */
export const bare = (given: Promise<Promises.Succeeded | Promises.Failed>): Promise<ApiResponse> =>
  answer(given, nothing, nothing)

/** The field `data` after a success. */
export const data = <A>(given: Promise<Promises.OperationResult<A>>): Promise<ApiResponse & { data?: A }> =>
  answer(given, ({ data }) => ({ data }), nothing)

/** `data` is true after a success. */
export const done = (
  given: Promise<Promises.Succeeded | Promises.Failed>
): Promise<ApiResponse & { data?: boolean }> => answer(given, () => ({ data: true }), nothing)

/** Hides credentials of an object: they can be read and are not enumerable, so that no printer takes them along. */
export const conceal = <A extends object>(object: A, ...names: ReadonlyArray<keyof A>): A => {
  for (const name of names) {
    if (object[name] !== undefined) Object.defineProperty(object, name, { enumerable: false })
  }
  return object
}

/** Status and code of the reply that an error is about. */
export const replyOf = (error: AgbError): { httpStatusCode: number; code: string } => {
  if (error._tag === "SessionLostError") return { httpStatusCode: 404, code: "InvalidMcpSession.NotFound" }
  return {
    httpStatusCode: "status" in error ? error.status : 0,
    code: "code" in error ? error.code : ""
  }
}

/** The tool list of a session in its form on the wire, or nothing. */
export const toolListOf = (tools: ReadonlyArray<object> | undefined): string =>
  tools === undefined || tools.length === 0 ? "" : JSON.stringify(tools)
