/** What requests for a session's files have in common. */
import { type ApiError, ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { FileWrite } from "../../sandbox/channel/protocol.js"
import type { Exchange } from "../http/exchange.js"
import { apiError } from "../http/originCheck.js"
import type { CallFailure } from "../sessions/agentCall.js"

const invalid = (name: string, expected: string): ApiError =>
  apiError(400, "InvalidParameter", `${name} must be ${expected}`)

/** A number of bytes; undefined if it is absent. */
export const count = ({ query }: Exchange, name: string): Effect.Effect<number | undefined, ApiError> => {
  const text = query.get(name)
  if (text === null) return Effect.succeed(undefined)
  const value = Number(text)
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value)
    ? Effect.succeed(value)
    : Effect.fail(invalid(name, "a number of bytes"))
}

export const pathOf = ({ query }: Exchange): Effect.Effect<string, ApiError> => {
  const path = query.get("path") ?? ""
  return path.startsWith("/") && !path.includes("\0") && path.length <= 4096
    ? Effect.succeed(path)
    : Effect.fail(invalid("path", "an absolute path"))
}

/** What is to be written at a path, and how. */
export const writeOf = (exchange: Exchange, path: string): Effect.Effect<FileWrite, ApiError> => {
  const mode = exchange.query.get("mode") ?? "overwrite"
  const permissions = exchange.query.get("permissions")
  if (mode !== "overwrite" && mode !== "append" && mode !== "create_new") {
    return Effect.fail(invalid("mode", "overwrite, append or create_new"))
  }
  if (permissions === null) return Effect.succeed({ path, mode })
  return /^[0-7]{1,4}$/.test(permissions)
    ? Effect.succeed({ path, mode, permissions: parseInt(permissions, 8) })
    : Effect.fail(invalid("permissions", "octal"))
}

export const failed = <E extends CallFailure | ApiError>(error: E): ApiError | Exclude<E, ToolFailure> =>
  error instanceof ToolFailure ? apiError(409, "File.Failed", error.text) : error as Exclude<E, ToolFailure>

/** What the timeline calls it. */
export const titleOf = ({ method, query }: Exchange): "Read" | "Append to" | "Write" =>
  method === "GET" ? "Read" : query.get("mode") === "append" ? "Append to" : "Write"
