/**
 * The one primitive under `Code`, `Command` and `FileSystem`: a call of a tool of one session. A backend, a test or a
 * faster route replaces `send` alone and everything above it stays.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import type { RetrySafety, ToolReply } from "./AgbApi.js"
import { type ClientError, MalformedResponseError, ToolError } from "./AgbError.js"
import type { Tool } from "./AgbTools.js"
import * as issues from "./internal/client/issues.js"
import { showJson } from "./internal/wire/codecs.js"

/**
 * A tool call whose arguments are checked and encoded.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolRequest {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly retrySafety: RetrySafety
  /** The method on whose behalf the tool is called, e.g. `FileSystem.readFile`. */
  readonly operation: string
  /** How long the tool itself may take; the transport adds its margin. Absent: the configured timeout of any call. */
  readonly timeout: Duration.Duration | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ToolResponse {
  readonly reply: ToolReply
  readonly requestId: string | undefined
}

/**
 * The text of an answer, not yet read.
 *
 * @since 0.1.0
 * @category models
 */
export interface ToolAnswer {
  /** `undefined` when the tool sent no text at all. */
  readonly text: string | undefined
  readonly isError: boolean
  readonly requestId: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ToolCallOptions {
  readonly operation: string
  readonly timeout?: Duration.Duration | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ToolCall {
  /** Calls a tool and gives its text as it is, errors of the tool included. */
  readonly answer: <A extends object, AI, R>(
    tool: Tool<A, AI, R>,
    args: A,
    options: ToolCallOptions
  ) => Effect.Effect<ToolAnswer, ClientError>
  /** Calls a tool and gives the meaning of its text; an error of the tool is a `ToolError`. */
  readonly call: <A extends object, AI, R>(
    tool: Tool<A, AI, R>,
    args: A,
    options: ToolCallOptions
  ) => Effect.Effect<R, ClientError | ToolError>
}

/** All texts joined by newlines; without any, the first piece's blob or data as text. */
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
 * A `ToolCall` over the way in which a backend sends one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  send: (request: ToolRequest) => Effect.Effect<ToolResponse, ClientError>
): ToolCall => {
  const answer: ToolCall["answer"] = (tool, args, { operation, timeout }) => {
    const encoded = ParseResult.encodeUnknownEither(tool.args)(args)
    if (Either.isLeft(encoded)) return Effect.fail(issues.invalidRequest(operation, encoded.left))
    const request = {
      name: tool.name,
      args: encoded.right as Readonly<Record<string, unknown>>,
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
          ? new ToolError({ operation, requestId, tool: tool.name, detail: text })
          : Either.mapLeft(
            ParseResult.decodeUnknownEither(tool.result)(text),
            (issue) => unreadable(operation, tool.retrySafety(args), requestId, issues.first(issue).expected)
          )
      }
    )

  return { answer, call }
}
