/** Waits for what a process does: a text in its output, a port that it opens. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { InvalidRequestError } from "../../../AgbError.js"
import { kindOf } from "../../client/checks/issues.js"
import * as control from "./control.js"
import * as ends from "./end.js"
import { logs, type Target } from "./follow.js"
import type { LogChunk, LogMatch, ProcessFailure } from "./model.js"
import * as scripts from "./scripts.js"

/** How much text before the newest piece a match can reach back to. */
const windowLength = 64 * 1024

/** The end of a text, from the beginning of a line on if there is one. */
const windowOf = (text: string): string => {
  if (text.length <= windowLength) return text
  const window = text.slice(-windowLength)
  return window.slice(window.indexOf("\n") + 1)
}

/** Searches the text of both streams, each in a window of bounded length. */
const makeSearch = (pattern: RegExp) => {
  const search = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""))
  const texts = { stdout: "", stderr: "" }
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  return ({ bytes, stream }: LogChunk): Option.Option<LogMatch> => {
    const text = texts[stream] + decoders[stream].decode(bytes, { stream: true })
    const match = search.exec(text)
    texts[stream] = windowOf(text)
    return match === null ? Option.none() : Option.some({ stream, match })
  }
}

export const forLog = (target: Target, pattern: RegExp): Effect.Effect<LogMatch, ProcessFailure> =>
  Effect.suspend((): Effect.Effect<LogMatch, ProcessFailure> => {
    const { key, operation } = target
    if (!(pattern instanceof RegExp)) {
      const given = kindOf(pattern)
      return Effect.fail(new InvalidRequestError({ operation, field: "pattern", given, expected: "a RegExp" }))
    }
    const search = makeSearch(pattern)
    return logs(target, { stdout: 0, stderr: 0 }).pipe(
      Stream.filterMap(search),
      Stream.runHead,
      Effect.flatMap(Option.match({
        onSome: Effect.succeed,
        onNone: () => Effect.fail(control.processError(operation, key, "Ended", `nothing matched ${String(pattern)}`))
      }))
    )
  })

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535

/** The pauses after which the port is looked at once a second. */
const idleAfter = (isFirst: boolean) => isFirst ? 0 : 12

export const forPort = (target: Target, port: number, isFirst = true): Effect.Effect<void, ProcessFailure> =>
  Effect.gen(function*() {
    const { key, operation, toolCall } = target
    if (!isPort(port)) {
      const given = typeof port === "number" ? String(port) : kindOf(port)
      return yield* new InvalidRequestError({ operation, field: "port", given, expected: "an integer from 1 to 65535" })
    }
    const wait = control.longestWait
    const text = scripts.waitForPort(key, port, Duration.toMillis(wait) / 10, idleAfter(isFirst))
    const call = control.run(toolCall, { operation, key, text, retrySafety: "safe", wait })
    const printed = yield* control.paced(call, (printed) => control.wordsOf(printed)[1] === "waiting")
    const [about, state, ...end] = control.wordsOf(printed)
    if (about === "none") return yield* control.processError(operation, key, "Gone")
    if (state === "waiting") return yield* forPort(target, port, false)
    if (state === "ended") {
      const isLost = ends.parse(end) === "lost"
      return yield* control.processError(operation, key, isLost ? "Lost" : "Ended", `nothing listens on port ${port}`)
    }
    if (state !== "open") return yield* control.malformed(operation, "safe", "the state of a port")
  })
