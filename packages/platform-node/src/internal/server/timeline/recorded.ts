/** Records what a session is asked for, where calls pass. */
import type { ToolReply } from "@effect-agb/core/AgbApi"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { currentRequest, type RequestContext } from "../http/requestContext.js"
import type { Beginning, Origin, Outcome } from "./entry.js"
import { failed, succeeded } from "./entry.js"
import type { Recording, Timeline } from "./timeline.js"
import { toolEntry } from "./toolEntries.js"

const originOf = (context: RequestContext | undefined): Origin => ({
  requestId: context?.requestId ?? null,
  by: context?.onPageEntry === undefined ? "client" : "page"
})

const current: FiberRef.FiberRef<Recording | undefined> = GlobalValue.globalValue(
  "@effect-agb/platform-node/recording",
  () => FiberRef.unsafeMake<Recording | undefined>(undefined)
)

/** The entry of the call that runs, while somebody watches it. */
export const currentRecording: Effect.Effect<Recording | undefined> = FiberRef.get(current)

const messageOf = (error: unknown): string => {
  const { message, reason } = Predicate.isRecord(error) ? error : {}
  return typeof message === "string" && message !== "" ? message : typeof reason === "string" ? reason : "it failed"
}

const nameOf = (error: unknown): string => {
  const { _tag, code } = Predicate.isRecord(error) ? error : {}
  return typeof code === "string" ? code : typeof _tag === "string" ? _tag : "Error"
}

/** How something has ended that has no reply. */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return succeeded
  const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (error !== undefined) return failed(nameOf(error), messageOf(error))
  return Cause.isInterruptedOnly(exit.cause)
    ? failed("Cancelled", "it was cancelled, or its client is gone")
    : failed("InternalError", "the server failed")
}

/** Records `work` as an entry, whose end is its own. */
export const recordedAs = <A, E, R>(
  timeline: Timeline,
  entry: Beginning,
  work: (recording: Recording) => Effect.Effect<A, E, R>,
  end: (recording: Recording, exit: Exit.Exit<A, E>, now: number) => void = (recording, exit, now) =>
    timeline.end(recording, outcomeOf(exit), now)
): Effect.Effect<A, E, R> =>
  Effect.flatMap(currentRequest, (context) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const recording = timeline.begin(entry, originOf(context), now)
      context?.onPageEntry?.(recording.id)
      return Effect.onExit(
        work(recording),
        (exit) => Effect.map(Clock.currentTimeMillis, (now) => end(recording, exit, now))
      )
    }))

type CallTool<E> = (name: string, args: unknown) => Effect.Effect<ToolReply, E>

/** The text of a reply; a large one is JSON already, for which something else stands in the reply. */
const textOf = ({ content }: ToolReply, context: RequestContext | undefined): string | Uint8Array => {
  const text = content[0]?.text ?? ""
  const encoded = context?.encodedText
  return encoded !== undefined && encoded.placeholder === text ? encoded.json : text
}

/** A call of a tool with its entry in the timeline, if it has one. */
export const recordedTool = <E>(
  timeline: Timeline,
  name: string,
  args: unknown,
  call: CallTool<E>
): Effect.Effect<ToolReply, E> =>
  Effect.suspend(() => {
    const entry = toolEntry(name, args)
    if (entry === undefined) return call(name, args)
    const isScript = entry.isScript === true
    return Effect.flatMap(currentRequest, (context) =>
      recordedAs(
        timeline,
        entry,
        (recording) =>
          timeline.isWatched && !isScript ? Effect.locally(call(name, args), current, recording) : call(name, args),
        (recording, exit, now) => {
          if (Exit.isFailure(exit)) return timeline.end(recording, outcomeOf(exit), now)
          const { isError } = exit.value
          timeline.endWith(recording, { tool: name, text: textOf(exit.value, context), isError, isScript }, now)
        }
      ))
  })
