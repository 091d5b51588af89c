/** The entry of a streamed run in the timeline of its session. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type RequestContext, withRequestContext } from "../http/requestContext.js"
import type { Outcome } from "../timeline/entry.js"
import { succeeded } from "../timeline/entry.js"
import { outcomeOf, recordedAs } from "../timeline/recorded.js"
import type { Timeline } from "../timeline/timeline.js"
import { codeEntry } from "../timeline/toolEntries.js"
import type { CodeRun, RunEnd, RunEvent } from "./runStream.js"

const outcomeOfRun = ({ executionError, traceback = "" }: RunEnd): Outcome => {
  if (executionError === null) return succeeded
  const [, name = "", message = ""] = /^([A-Za-z_$][\w$.]*): ?([\s\S]*)$/.exec(executionError) ?? ["", executionError]
  return { state: "failed", exitCode: null, error: { name, message, traceback } }
}

/** About the size of a result; strings are most of it. */
const sizeOf = (mime: Readonly<Record<string, unknown>>): number =>
  Object.values(mime).reduce<number>(
    (sum, content) => sum + (typeof content === "string" ? content.length : 1024),
    256
  )

/** Runs `work`, which passes on the events of a run, and records them. */
export const recordedRun = <A, E>(
  timeline: Timeline,
  { code, language }: Pick<CodeRun, "code" | "language">,
  request: Pick<RequestContext, "requestId" | "onPageEntry">,
  work: (record: (event: RunEvent | RunEnd) => void) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    let outcome: Outcome | undefined
    return recordedAs(
      timeline,
      codeEntry(language, code),
      (recording) =>
        work((event) => {
          if ("status" in event) outcome = outcomeOfRun(event)
          else if ("resultJson" in event) timeline.result(recording, event.resultJson, event.resultJson.length)
          else if (event.eventType !== "result") timeline.output(recording, event.eventType, event.chunk)
          else {
            const { isMainResult: isMain, mime } = event.result
            timeline.result(recording, { mime, isMain, omitted: [] }, sizeOf(mime))
          }
        }),
      (recording, exit, now) =>
        timeline.end(recording, Exit.isSuccess(exit) && outcome !== undefined ? outcome : outcomeOf(exit), now)
    )
  }).pipe(withRequestContext({ ...request, sandboxMillis: 0 }))
