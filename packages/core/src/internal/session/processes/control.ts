/** Runs the scripts that control processes, as calls of the tool `shell` that may be repeated. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import { MalformedResponseError, ProcessError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import { visibleLines } from "../../wire/text/visibleText.js"
import { shells } from "../shell.js"
import type { ProcessFailure } from "./model.js"

/** Longest wait of one call inside the session. Gateways cut requests after 60 s. */
export const longestWait = Duration.seconds(40)

/** Time for a script beside its wait, on a machine that is busy. */
const margin = Duration.seconds(10)

/** It is written so that it may be repeated. */
export interface Script {
  readonly operation: string
  readonly key: string
  readonly text: string
  readonly retrySafety: "safe" | "idempotent"
  readonly cwd?: string | undefined
  readonly wait?: Duration.Duration | undefined
}

/** The lines that a script has printed, and what the session adds on standard error. */
export interface Printed {
  readonly lines: ReadonlyArray<string>
  readonly stderr: string
}

export const malformed = (operation: string, retrySafety: "safe" | "idempotent", expected: string) =>
  new MalformedResponseError({
    operation,
    path: "the output of the control script",
    expected,
    mayHaveHappened: retrySafety !== "safe",
    retryable: true
  })

export const processError = (
  operation: string,
  key: string,
  reason: ProcessError["reason"],
  detail = ""
): ProcessError => new ProcessError({ operation, key, reason, detail })

/** What is said of a session that has no such program or device. */
export const lacking = (name: string): string => `the session has no ${name}`

/** Runs a script. Its first line has the prefix `agb`, or the session could not run it. */
export const run = (toolCall: ToolCall, script: Script): Effect.Effect<Printed, ProcessFailure> => {
  const { key, operation, retrySafety } = script
  const wait = script.wait ?? Duration.zero
  const timeout = Duration.sum(wait, Duration.times(margin, 2))
  const args = {
    command: script.text,
    timeout_ms: Duration.toMillis(timeout),
    ...(script.cwd === undefined ? {} : { cwd: script.cwd })
  }
  return Effect.flatMap(
    Effect.suspend(() => toolCall.answer(shells[retrySafety], args, { operation, timeout })),
    ({ isError, text = "" }): Effect.Effect<Printed, ProcessFailure> => {
      const decoded = ParseResult.decodeUnknownEither(AgbTools.tools.shell.result)(text)
      if (Either.isLeft(decoded)) {
        return isError
          ? Effect.fail(processError(operation, key, "Other", visibleLines(text).slice(0, 1000)))
          : Effect.fail(malformed(operation, retrySafety, "the result of a command"))
      }
      const { exit_code: exitCode, stderr, stdout } = decoded.right
      const lines = stdout.split("\n")
      const [, missing] = /^agb missing (.*)/.exec(lines[0] ?? "") ?? []
      if (missing !== undefined) {
        return Effect.fail(processError(operation, key, "Unsupported", lacking(missing)))
      }
      return exitCode === 0
        ? Effect.succeed({ lines, stderr })
        : Effect.fail(processError(operation, key, "Other", visibleLines(stderr || stdout).slice(0, 1000)))
    }
  )
}

/** A session that does not wait as it was asked to is not asked again at once. */
const leastWait = Duration.seconds(1)

/** Makes a call take some time, when it has only found that there is nothing to tell yet. */
export const paced = <A, E>(call: Effect.Effect<A, E>, isIdle: (value: A) => boolean): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.timed(call), ([taken, value]) =>
    isIdle(value) && Duration.lessThan(taken, leastWait)
      ? Effect.delay(Effect.succeed(value), Duration.subtract(leastWait, taken))
      : Effect.succeed(value))

/** The words after `agb` in a line of a script. */
export const wordsOf = ({ lines }: Printed): ReadonlyArray<string> => {
  const line = lines.find((line) => line.startsWith("agb "))
  return line === undefined ? [] : line.trim().split(/ +/).slice(1)
}
