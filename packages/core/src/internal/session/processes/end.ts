/** The record of how a process has ended. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Exit } from "./model.js"

/** What a session can say of the end: nothing yet, an outcome, or that there will never be one. */
export type End = Exit | "running" | "lost"

const centiseconds = 10

const flags: Readonly<Record<string, boolean>> = { "0": false, "1": true }

/** Parses the status, the signal, two flags and the duration; `undefined` if they are none. */
export const parse = (words: ReadonlyArray<string>): End | undefined => {
  const [status, signal = "-", late = "", duration = "", memory = "-"] = words
  if (status === "-") return "running"
  if (status === "lost") return "lost"
  if (status === undefined || !/^\d{1,3}$/.test(status) || !/^\d{1,15}$/.test(duration)) return undefined
  const timedOut = flags[late]
  if (timedOut === undefined || !/^[A-Z0-9+-]{1,16}$/.test(signal)) return undefined
  return {
    exitCode: Number(status),
    signal: signal === "-" ? Option.none() : Option.some(`SIG${signal}`),
    timedOut,
    outOfMemory: Option.fromNullable(flags[memory]),
    duration: Duration.millis(Number(duration) * centiseconds)
  }
}
