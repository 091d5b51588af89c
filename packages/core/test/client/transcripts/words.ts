/** What an official SDK showed to its caller, compared with what ours does. */
import type { AgbError } from "@effect-agb/core"
import { Exit } from "effect"
import { isDeepStrictEqual } from "node:util"
import type { Json, RecordedCall } from "./recordings.js"

/** In what the two can differ: whether the call succeeded, the value, the text of the error, the request id. */
export type Aspect = "outcome" | "value" | "text" | "request id"

const camelCase = (key: string): string =>
  /^[a-z]+(_[a-z]+)+$/.test(key) ? key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : key

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** Python's names as TypeScript's, and what is absent is left out. */
const normal = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(normal)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([key, inner]) => [camelCase(key), normal(inner)])
  )
}

const joined = (text: unknown): unknown => Array.isArray(text) ? text.join("") : text

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** v0.2.2 hands on the text of the tool; what the session printed is in it. */
const printed = (text: unknown): unknown => {
  const json = typeof text === "string" ? parsed(text) : undefined
  return isObject(json) ? joined(json["stdout"]) : text
}

const renamed: Readonly<Record<string, string>> = { contents: "files" }

const readers: Readonly<Record<string, (value: unknown) => unknown>> = {
  logs: (logs) => isObject(logs) ? { stdout: joined(logs["stdout"]), stderr: joined(logs["stderr"]) } : logs,
  entries: (entries) =>
    (entries as ReadonlyArray<Json>).map(({ isDirectory, name, type }) => ({
      name,
      isDirectory: isDirectory ?? type === "directory"
    }))
}

const official = ({ folder, saw }: RecordedCall): Json => {
  if (Array.isArray(saw)) return { watched: normal(saw.flat()) }
  const fields = normal(saw) as Json
  const calls = fields["callbackCalls"]
  if (Array.isArray(calls)) return { success: true, watched: calls.flat() }
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      const read = folder === "python-v0.2.2" && (key === "result" || key === "output") ? printed : readers[key]
      return [renamed[key] ?? key, read?.(value) ?? value]
    })
  )
}

const succeeded = (saw: Json): boolean =>
  (saw["success"] === true || saw["successful"] === true || "watched" in saw) && !("$threw" in saw)

/** Where an official object has more fields than ours shows, only ours are compared. */
const partial = new Set(["session", "$session"])

const agrees = (saw: unknown, ours: unknown, isPartial: boolean): boolean =>
  isPartial && isObject(saw) && isObject(ours)
    ? Object.entries(ours).every(([key, value]) => agrees(saw[key], value, partial.has(key)))
    : isDeepStrictEqual(saw, ours)

/** Every word that an error offers. */
const wordsOf = (error: AgbError.AgbError): string => {
  const fields: Json = { ...error }
  return [error.message, ...["detail", "value", "stdout", "stderr"].map((name) => fields[name])].join("\n")
}

const prefixes = /^(Failed to (get session [^:]+|list sessions): |Error in response: |\[\w+(\.\w+)?\] )/

const textOf = (saw: Json): string => {
  const threw = saw["$threw"]
  const text = isObject(threw) ? threw["message"] : saw["errorMessage"]
  return typeof text === "string" ? text.replace(prefixes, "") : ""
}

const viewOfError = (error: AgbError.AgbError): Json => {
  if (error._tag === "CommandExitError") {
    const { exitCode, stderr, stdout } = error
    return { exitCode, stdout, stderr, output: stdout + stderr }
  }
  return error._tag === "CodeExecutionError" ? { logs: { stdout: error.stdout, stderr: error.stderr } } : {}
}

const known = (saw: Json, view: Json): Json => Object.fromEntries(Object.entries(view).filter(([key]) => key in saw))

const compareFailure = (saw: Json, error: AgbError.AgbError): ReadonlyArray<Aspect> => {
  const ours = "requestId" in error ? error.requestId : undefined
  const requestId = saw["requestId"]
  return [
    ...(agrees(saw, known(saw, viewOfError(error)), true) ? [] : ["value" as const]),
    ...(wordsOf(error).includes(textOf(saw)) ? [] : ["text" as const]),
    ...(typeof requestId !== "string" || requestId === "" || requestId === ours ? [] : ["request id" as const])
  ]
}

/** In what our answer differs from the official one. */
export const compare = (call: RecordedCall, exit: Exit.Exit<Json, AgbError.AgbError>): ReadonlyArray<Aspect> => {
  const saw = official(call)
  if (Exit.isSuccess(exit) !== succeeded(saw)) return ["outcome"]
  if (Exit.isSuccess(exit)) {
    const ours = normal(exit.value) as Json
    const { result, ...value } = ours
    const view = call.folder === "python-v0.2.2" && result !== undefined ? { result } : value
    const shown = call.folder === "python-v0.2.2" ? known(saw, view) : view
    return agrees(saw, shown, true) ? [] : ["value"]
  }
  return exit.cause._tag === "Fail" ? compareFailure(saw, exit.cause.error) : ["outcome"]
}
