/**
 * One log line per request and per streamed run. It holds no path, query or header and nothing of a body, since those carry
 * keys, tokens, code and file names.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import type { RequestContext } from "./requestContext.js"

export interface LoggedRequest {
  readonly method: string
  readonly route: string
  readonly status: number | string
  readonly context: RequestContext
  readonly millis: number
}

const rounded = (millis: number): number => Math.round(millis * 100) / 100

const annotations = ({ context, method, millis, route, status }: LoggedRequest) => ({
  method,
  route,
  status,
  ...(context.requestId === undefined ? {} : { requestId: context.requestId }),
  ...(context.sessionId === undefined ? {} : { sessionId: context.sessionId }),
  ...(context.tool === undefined ? {} : { tool: context.tool }),
  durationMillis: rounded(millis),
  serverMillis: rounded(Math.max(0, millis - context.sandboxMillis))
})

const knownMethods = new Set(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"])

/** The method, unless it is free text of the client. */
export const methodName = (method: string): string => knownMethods.has(method) ? method : "other"

/** `request` is called only where the level is enabled. */
export const logRequest = (level: LogLevel.LogLevel, request: () => LoggedRequest): Effect.Effect<void> =>
  FiberRef.getWith(FiberRef.currentMinimumLogLevel, (minimum) =>
    LogLevel.greaterThan(minimum, level)
      ? Effect.void
      : Effect.suspend(() => Effect.annotateLogs(Effect.logWithLevel(level, "request"), annotations(request()))))

const isFrame = (line: string): boolean => /^\s+at /.test(line)

const maxFrames = 12

/** The name and stack frames of a defect, without its message, which may quote what a client sent. */
export const stackFrames = (defect: unknown): string => {
  if (!(defect instanceof Error)) return typeof defect
  const stack = defect.stack ?? ""
  // The message is skipped first: its lines may look like frames.
  const at = stack.indexOf(defect.message)
  const lines = at === -1 ? [] : stack.slice(at + defect.message.length).split("\n")
  return [defect.name, ...lines.filter(isFrame).slice(0, maxFrames)].join("\n")
}
