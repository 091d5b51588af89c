/** Reads replies of tools, which the timeline keeps as they were sent until a page wants to see them. */
import * as Predicate from "effect/Predicate"
import type { Contents, EntryError, Outcome, OutputPiece, Result, Stream } from "./entry.js"
import { failed, succeeded } from "./entry.js"
import { endOf, maxOutputLength } from "./timelineLimits.js"

/** The reply of a tool: its text, or the same as JSON in UTF-8. */
export interface KeptReply {
  readonly tool: string
  readonly text: string | Uint8Array
  readonly isError: boolean
  /** Whether it is that of a script of the SDK, whose output is not for people. */
  readonly isScript?: boolean
}

/** A result of a streamed run, as it is sent to clients: JSON in UTF-8. */
export type KeptResult = Uint8Array

type Json = Readonly<Record<string, unknown>>

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const textOf = ({ text }: KeptReply): string => {
  if (typeof text === "string") return text
  const decoded = parsed(Buffer.from(text.buffer, text.byteOffset, text.length).toString())
  return typeof decoded === "string" ? decoded : ""
}

const stringOf = (value: unknown): string =>
  Array.isArray(value) ? value.join("") : typeof value === "string" ? value : ""

const nothing = { outputs: [], results: [], omittedBytes: 0 }

const piecesOf = (json: Json): Pick<Contents, "outputs" | "omittedBytes"> => {
  let omittedBytes = 0
  const outputs: Array<OutputPiece> = []
  for (const stream of ["stdout", "stderr"] satisfies Array<Stream>) {
    const text = stringOf(json[stream])
    if (text === "") continue
    omittedBytes += Math.max(0, text.length - maxOutputLength / 2)
    outputs.push({ stream, text: endOf(text, maxOutputLength / 2) })
  }
  return { outputs, omittedBytes }
}

/** A displayed value, from the form in which clients get it. */
export const resultOf = (value: unknown): Result => {
  const { isMainResult, mime, ...rest } = Predicate.isRecord(value) ? value : {}
  return { mime: Predicate.isRecord(mime) ? mime : rest, isMain: isMainResult === true, omitted: [] }
}

/** The same of a streamed run. */
export const keptResult = (json: KeptResult): Result =>
  resultOf(parsed(Buffer.from(json.buffer, json.byteOffset, json.length).toString()))

const namePattern = /^([A-Za-z_$][\w$.]*): ?([\s\S]*)$/

const runErrorOf = ({ executionError, traceback }: Json): EntryError | null => {
  if (typeof executionError !== "string") return null
  const [, name = "", message = ""] = namePattern.exec(executionError) ?? ["", executionError, ""]
  return { name, message, traceback: stringOf(traceback) }
}

/** The traceback of an error, which is at the end of standard error too, is told once. */
export const withoutTraceback = (outputs: ReadonlyArray<OutputPiece>, { traceback }: EntryError) =>
  outputs.flatMap((piece) => {
    if (piece.stream !== "stderr" || traceback === "" || !piece.text.endsWith(traceback)) return [piece]
    const text = piece.text.slice(0, piece.text.length - traceback.length)
    return text === "" ? [] : [{ ...piece, text }]
  })

const runContents = (json: Json): Contents => {
  const error = runErrorOf(json)
  const { omittedBytes, outputs } = piecesOf(json)
  const outcome: Outcome = error === null ? succeeded : { state: "failed", exitCode: null, error }
  const results = Array.isArray(json["result"]) ? json["result"].map(resultOf) : []
  return {
    ...outcome,
    outputs: error === null ? outputs : withoutTraceback(outputs, error),
    omittedBytes,
    results
  }
}

const shellContents = (json: Json, { isError, isScript = false }: KeptReply): Contents => {
  const code = json["exit_code"]
  const exitCode = typeof code === "number" ? code : null
  const state = isError || exitCode !== 0 ? "failed" : "succeeded"
  if (isScript && state === "succeeded") return { ...succeeded, ...nothing }
  if (isScript) return { ...failed("Error", stringOf(json["stderr"]).trim().slice(-maxOutputLength)), ...nothing }
  const error = isError && exitCode === 124
    ? { name: "Timeout", message: "the command did not end in time", traceback: "" }
    : null
  return { state, exitCode, error, ...piecesOf(json), results: [] }
}

const isOfRun = ({ tool }: KeptReply): boolean => tool === "run_code" || tool === "shell"

/** What takes milliseconds to be read is read by a thread. */
const heavyLength = 64 * 1024

export const isHeavy = (reply: KeptReply): boolean => isOfRun(reply) && reply.text.length > heavyLength

/** The content of a reply. */
export const contentsOf = (reply: KeptReply): Contents => {
  const { isError, tool } = reply
  const isShown = isOfRun(reply) || isError || tool === "edit_file"
  if (!isShown) return { ...nothing, ...succeeded }
  const text = textOf(reply)
  if (isOfRun(reply)) {
    const json = parsed(text)
    if (Predicate.isRecord(json)) return tool === "shell" ? shellContents(json, reply) : runContents(json)
    const output: OutputPiece = { stream: isError ? "stderr" : "stdout", text: endOf(text, maxOutputLength) }
    return { ...nothing, ...(isError ? failed("Error", "") : succeeded), outputs: text === "" ? [] : [output] }
  }
  if (isError) return { ...nothing, ...failed("Error", endOf(text, maxOutputLength)) }
  return { ...nothing, ...succeeded, outputs: [{ stream: "stdout", text }] }
}
