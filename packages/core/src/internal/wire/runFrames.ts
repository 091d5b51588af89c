/** Frames of the WebSocket route as a client writes and reads them: in every form that servers use. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { parseJson } from "./codecs.js"
import type { CodeResultItem } from "./models.js"
import { item, splitError } from "./results/runCodeResult.js"

type Json = Readonly<Record<string, unknown>>

export interface RunError {
  readonly name: string
  readonly value: string
  readonly traceback: string
}

/** What a frame says about its run. */
export type RunFrame =
  | { readonly _tag: "Output"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly _tag: "Result"; readonly item: CodeResultItem }
  /** An error of the server; the run goes on. */
  | { readonly _tag: "Raised"; readonly error: RunError }
  | {
    readonly _tag: "End"
    /** `undefined` after a success. */
    readonly error: RunError | undefined
    readonly executionCount: number | undefined
    readonly executionTime: number | undefined
  }
  /** The run could not start, or was given up. */
  | { readonly _tag: "Aborted"; readonly code: string; readonly detail: string }
  | { readonly _tag: "Malformed"; readonly expected: string }

/** Whether a frame is the last one of its run. */
export const isLast = ({ _tag }: RunFrame): boolean => _tag === "End" || _tag === "Aborted" || _tag === "Malformed"

const malformed = (expected: string): RunFrame => ({ _tag: "Malformed", expected })

const text = (value: unknown): string => typeof value === "string" ? value : ""

const number = (value: unknown): number | undefined => typeof value === "number" ? value : undefined

const readError = (error: unknown): RunFrame => {
  const { code, message, traceId } = (Predicate.isRecord(error) ? error : { message: error }) as Json
  return {
    _tag: "Raised",
    error: {
      name: text(code) || "ExecutionError",
      value: text(message),
      traceback: text(traceId) === "" ? "" : `traceId=${text(traceId)}`
    }
  }
}

const readResult = (result: unknown): RunFrame => {
  const mime = Predicate.isRecord(result) ? (result as Json)["mime"] : undefined
  if (!Predicate.isRecord(mime)) return { _tag: "Result", item: item(result) }
  const { isMainResult, is_main_result: other } = result as Json
  return { _tag: "Result", item: item({ ...mime, isMainResult: isMainResult === true || other === true }) }
}

const readEvent = (data: Json): RunFrame | undefined => {
  const { chunk, error, eventType, result } = data
  switch (eventType) {
    case "stdout":
    case "stderr":
      return typeof chunk === "string"
        ? { _tag: "Output", stream: eventType, text: chunk }
        : malformed("a chunk of text")
    case "result":
      return readResult(result)
    case "error":
      return readError(error)
    default:
      return undefined
  }
}

const readEnd = ({ executionCount, executionError, executionTime, status, traceback }: Json): RunFrame => {
  const isError = (executionError ?? "") !== ""
  if (isError && typeof executionError !== "string") return malformed("the text of an error")
  if (!isError && status !== "finished" && status !== "failed") return malformed("the status finished or failed")
  const error = isError
    ? splitError(text(executionError), traceback)
    : status === "failed"
    ? { name: "ExecutionError", value: "the run is marked as failed", traceback: text(traceback) }
    : undefined
  return { _tag: "End", error, executionCount: number(executionCount), executionTime: number(executionTime) }
}

/** Reads the data of a frame. `undefined` is an event of an unknown type, which is ignored. */
const readData = (given: unknown): RunFrame | undefined => {
  const data = typeof given === "string" ? Either.getOrElse(parseJson(given), () => undefined) : given
  if (!Predicate.isRecord(data)) return malformed("an object")
  const { code, error, phase } = data as Json
  if (typeof error === "string" && error !== "") return { _tag: "Aborted", code: text(code), detail: error }
  switch (phase) {
    case "event":
      return readEvent(data as Json)
    case "end":
      return readEnd(data as Json)
    case "error":
      return { _tag: "Aborted", code: text(code), detail: text((data as Json)["message"]) }
    default:
      return malformed("the phase event, end or error")
  }
}

export interface ReceivedFrame {
  /** The id of the call that the frame is about. */
  readonly id: string
  readonly read: () => RunFrame | undefined
}

/** Parses a message. `undefined` is one that is about no call, which is ignored. */
export const parse = (message: string): ReceivedFrame | undefined => {
  const frame = Either.getOrElse(parseJson(message), () => undefined)
  if (!Predicate.isRecord(frame)) return undefined
  const { data, invocationId, requestId } = frame as Json
  const id = text(invocationId) || text(requestId)
  return id === "" ? undefined : { id, read: () => readData(data) }
}

interface Start {
  readonly id: string
  /** The server inside the session that runs the code. */
  readonly target: string
  readonly language: string
  readonly code: string
  readonly timeoutS: number
}

/** The frame that starts a run. */
export const start = ({ code, id, language, target, timeoutS }: Start): string =>
  JSON.stringify({
    invocationId: id,
    source: "SDK",
    target,
    data: { method: "run_code", mode: "stream", params: { language, timeoutS, code } }
  })

/** The frame that ends a run early. */
export const cancel = (id: string, target: string): string =>
  JSON.stringify({ invocationId: id, source: "SDK", target, data: { cancel: true } })

/** A frame that servers ignore. */
export const ping = JSON.stringify({ type: "ping" })
