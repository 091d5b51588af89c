/**
 * Tool calls of one session, the primitive under `Code`, `Command` and `FileSystem`. Backends and tests only implement
 * `send`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import type { RetrySafety, ToolReply } from "./AgbApi.js"
import { type ClientError, type InvalidRequestError, MalformedResponseError, ToolError } from "./AgbError.js"
import type { Tool } from "./AgbTools.js"
import * as issues from "./internal/client/checks/issues.js"
import * as requestChecks from "./internal/client/checks/requestChecks.js"
import { showJson } from "./internal/wire/codecs.js"
import { visibleLines } from "./internal/wire/text/visibleText.js"

/**
 * A tool call with validated and encoded arguments.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolRequest {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly retrySafety: RetrySafety
  /** The method that calls the tool, e.g. `FileSystem.readFile`. */
  readonly operation: string
  /** Time limit of the tool; a margin for the transport is added. Default: the configured timeout of a call. */
  readonly timeout: Duration.Duration | undefined
}

/**
 * The reply of a tool and the id of its request.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolResponse {
  readonly reply: ToolReply
  readonly requestId: string | undefined
}

/**
 * The undecoded text of a tool's reply.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolAnswer {
  /** `undefined` if the reply has no text. */
  readonly text: string | undefined
  readonly isError: boolean
  readonly requestId: string | undefined
}

/**
 * Options of a tool call.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolCallOptions {
  readonly operation: string
  readonly timeout?: Duration.Duration | undefined
}

/**
 * Calls tools of one session.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolCall {
  /** Calls a tool and returns the undecoded text, including that of a tool error. Fails with `ClientError`. */
  readonly answer: <A extends object, AI, R>(
    tool: Tool<A, AI, R>,
    args: A,
    options: ToolCallOptions
  ) => Effect.Effect<ToolAnswer, ClientError>
  /** Calls a tool and decodes its result. Fails with `ToolError` if the tool failed. */
  readonly call: <A extends object, AI, R>(
    tool: Tool<A, AI, R>,
    args: A,
    options: ToolCallOptions
  ) => Effect.Effect<R, ClientError | ToolError>
}

/** Joins all text items with newlines; without any, returns the blob or data of the first item as text. */
const textOf = ({ content }: ToolReply): string | undefined => {
  const texts = content.filter((piece) => piece.type === "text").map((piece) => piece.text ?? "")
  if (texts.length > 0) return texts.join("\n")
  const first = content[0]
  const other = first?.text || first?.blob || first?.data
  return other === undefined || other === null ? undefined : typeof other === "string" ? other : showJson(other)
}

const unreadable = (operation: string, retrySafety: RetrySafety, requestId: string | undefined, expected: string) =>
  new MalformedResponseError({
    operation,
    requestId,
    path: "the text of the tool's reply",
    expected,
    mayHaveHappened: retrySafety !== "safe",
    retryable: retrySafety === "safe"
  })

/**
 * Validates and encodes the arguments of a tool.
 *
 * @internal
 */
export const encodeArgs = <A extends object, AI, R>(
  operation: string,
  { args: schema }: Tool<A, AI, R>,
  args: A
): Either.Either<Readonly<Record<string, unknown>>, InvalidRequestError> =>
  Either.flatMap(
    Either.mapLeft(
      ParseResult.encodeUnknownEither(schema, { onExcessProperty: "error" })(args),
      (issue) => issues.invalidRequest(operation, issue)
    ),
    (encoded) => {
      const malformed = requestChecks.malformedText(operation, args)
      return malformed === undefined
        ? Either.right(encoded as Readonly<Record<string, unknown>>)
        : Either.left(malformed)
    }
  )

/**
 * Creates a `ToolCall` from the function that sends requests to a backend.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  send: (request: ToolRequest) => Effect.Effect<ToolResponse, ClientError>
): ToolCall => {
  const answer: ToolCall["answer"] = (tool, args, { operation, timeout }) => {
    const encoded = encodeArgs(operation, tool, args)
    if (Either.isLeft(encoded)) return Effect.fail(encoded.left)
    const request = {
      name: tool.name,
      args: encoded.right,
      retrySafety: tool.retrySafety(args),
      operation,
      timeout
    }
    return Effect.map(send(request), ({ reply, requestId }) => ({
      text: textOf(reply),
      isError: reply.isError,
      requestId
    }))
  }

  const call = <A extends object, AI, R>(tool: Tool<A, AI, R>, args: A, options: ToolCallOptions) =>
    Effect.flatMap(
      answer(tool, args, options),
      ({ isError, requestId, text = "" }): Effect.Effect<R, ToolError | MalformedResponseError> => {
        const { operation } = options
        return isError
          ? new ToolError({ operation, requestId, tool: tool.name, detail: visibleLines(text) })
          : Either.mapLeft(
            ParseResult.decodeUnknownEither(tool.result)(text),
            (issue) => unreadable(operation, tool.retrySafety(args), requestId, issues.first(issue).expected)
          )
      }
    )

  return { answer, call }
}
