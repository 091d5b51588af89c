/**
 * One line in the log per request and per streamed run. It holds no path, no query, no header and nothing of a body: keys,
 * tokens, code and file names travel there.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import type { RequestFacts } from "./requestContext.js"

export interface Answered {
  readonly method: string
  readonly route: string
  readonly status: number | string
  readonly facts: RequestFacts
  readonly millis: number
}

const rounded = (millis: number): number => Math.round(millis * 100) / 100

const fields = ({ facts, method, millis, route, status }: Answered) => ({
  method,
  route,
  status,
  ...(facts.requestId === undefined ? {} : { requestId: facts.requestId }),
  ...(facts.sessionId === undefined ? {} : { sessionId: facts.sessionId }),
  ...(facts.tool === undefined ? {} : { tool: facts.tool }),
  durationMillis: rounded(millis),
  serverMillis: rounded(Math.max(0, millis - facts.sandboxMillis))
})

/** The methods of HTTP; what else a client calls its method is its own words. */
const methods = new Set(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"])

export const methodName = (method: string): string => methods.has(method) ? method : "other"

export const logAnswered = (level: LogLevel.LogLevel, answered: () => Answered): Effect.Effect<void> =>
  FiberRef.getWith(FiberRef.currentMinimumLogLevel, (minimum) =>
    LogLevel.greaterThan(minimum, level)
      ? Effect.void
      : Effect.suspend(() => Effect.annotateLogs(Effect.logWithLevel(level, "request"), fields(answered()))))

const isFrame = (line: string): boolean => /^\s+at /.test(line)

/** Where a defect happened, without its message: that may quote what a client sent. */
export const placeOf = (defect: unknown): string => {
  if (!(defect instanceof Error)) return typeof defect
  const stack = defect.stack ?? ""
  const said = stack.indexOf(defect.message)
  // A message may have lines that look like frames.
  const frames = said === -1 ? [] : stack.slice(said + defect.message.length).split("\n").filter(isFrame).slice(0, 12)
  return [defect.name, ...frames].join("\n")
}
