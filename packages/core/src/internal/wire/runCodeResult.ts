/** Result of `run_code`: written in one format, read in all formats used by servers. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { parseJson, showJson } from "./codecs.js"
import { CodeResultItem } from "./models.js"

/** A finished run. `executionError` is `null` if the code raised no error. `executionTime` is in seconds. */
export const RunCodeResult = Schema.Struct({
  results: Schema.Array(CodeResultItem),
  stdout: Schema.Array(Schema.String),
  stderr: Schema.Array(Schema.String),
  executionError: Schema.NullOr(Schema.Struct({
    name: Schema.String,
    value: Schema.String,
    traceback: Schema.String
  })),
  executionCount: Schema.optional(Schema.Number),
  executionTime: Schema.optional(Schema.Number)
})

export type RunCodeResult = typeof RunCodeResult.Type

const longNames: Readonly<Record<string, string>> = {
  text: "text/plain",
  html: "text/html",
  markdown: "text/markdown",
  png: "image/png",
  jpeg: "image/jpeg",
  svg: "image/svg+xml",
  json: "application/json",
  latex: "text/latex",
  chart: "application/vnd.vegalite.v4+json"
}

type Json = Readonly<Record<string, unknown>>

/** Unwraps JSON text nested in JSON text, as some servers send it. Anything else is returned unchanged. */
const unwrap = (value: unknown, depth = 3): unknown =>
  typeof value === "string" && depth > 0
    ? Either.match(parseJson(value), { onLeft: () => value, onRight: (inner) => unwrap(inner, depth - 1) })
    : value

const textItem = (text: string, isMainResult: boolean): CodeResultItem => ({
  data: { "text/plain": text },
  isMainResult
})

const item = (raw: unknown): CodeResultItem => {
  const value = unwrap(raw)
  if (!Predicate.isRecord(value)) {
    return textItem(typeof raw === "string" ? raw : showJson(value), false)
  }
  const entries = Object.entries(value)
    .map(([key, content]) => [Object.hasOwn(longNames, key) ? longNames[key] : key, content] as const)
    .filter((entry): entry is readonly [string, unknown] => entry[0]?.includes("/") === true && entry[1] !== null)
  return {
    data: Object.fromEntries(entries),
    isMainResult: value["isMainResult"] === true || value["is_main_result"] === true
  }
}

const strings = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return value === "" ? [] : [value]
  return Array.isArray(value) ? value.filter(Predicate.isString) : []
}

const number = (value: unknown): number | undefined => typeof value === "number" ? value : undefined

const nameAndValue = /^([A-Za-z_$][\w$.]*): ?([\s\S]*)$/

/** Matches `KeyboardInterrupt` or `java.lang.Error`, but not an arbitrary thrown word. */
const nameAlone = /^([A-Z][\w$]*|[\w$]+(?:\.[\w$]+)+)$/

/** Splits `ZeroDivisionError: division by zero` into name and value. */
const splitError = (text: string, traceback: unknown) => {
  const [, name = "", value = ""] = nameAndValue.exec(text) ?? nameAlone.exec(text) ?? ["", "ExecutionError", text]
  return { name, value, traceback: typeof traceback === "string" ? traceback : "" }
}

const common = (value: Json) => ({
  executionCount: number(value["execution_count"]),
  executionTime: number(value["execution_time"])
})

const current = (value: Json): RunCodeResult => {
  const error = value["executionError"]
  const hasError = typeof error === "string" && error !== ""
  return {
    results: (Array.isArray(value["result"]) ? value["result"] : []).map(item),
    stdout: strings(value["stdout"]),
    stderr: strings(value["stderr"]),
    executionError: hasError || value["isError"] === true
      ? splitError(hasError ? error : "the run is marked as failed", value["traceback"])
      : null,
    ...common(value)
  }
}

const rich = (value: Json): RunCodeResult => {
  const logs = Predicate.isRecord(value["logs"]) ? value["logs"] as Json : {}
  const error = Predicate.isRecord(value["error"]) ? value["error"] as Json : undefined
  const field = (key: string) => typeof error?.[key] === "string" ? error[key] : ""
  return {
    results: (Array.isArray(value["results"]) ? value["results"] : []).map(item),
    stdout: strings(logs["stdout"]),
    stderr: strings(logs["stderr"]),
    executionError: error !== undefined
      ? { name: field("name") || "ExecutionError", value: field("value"), traceback: field("traceback") }
      : value["isError"] === true
      ? { name: "ExecutionError", value: "the run is marked as failed", traceback: "" }
      : null,
    ...common(value)
  }
}

const nothing = { results: [], stdout: [], stderr: [], executionError: null }

const nested = (value: Json, content: ReadonlyArray<unknown>): RunCodeResult | undefined => {
  const texts = content.filter(Predicate.isRecord).map((entry) => (entry as Json)["text"]).filter(Predicate.isString)
  if (value["isError"] === true) {
    return { ...nothing, executionError: { name: "ExecutionError", value: texts.join("; "), traceback: "" } }
  }
  return texts[0] === undefined ? undefined : read(texts[0])
}

/** Returns `undefined` if the text is not the result of a run. */
const read = (text: string): RunCodeResult | undefined => {
  if (text === "") return undefined
  const value = unwrap(text)
  if (!Predicate.isRecord(value) || Array.isArray(value)) {
    return { ...nothing, stdout: [text], results: [textItem(text, true)] }
  }
  const json = value as Json
  if ("result" in json || "executionError" in json) return current(json)
  if (Array.isArray(json["content"])) return nested(json, json["content"])
  if ("logs" in json || "results" in json || "error" in json) return rich(json)
  return "stdout" in json || "stderr" in json ? current(json) : undefined
}

const write = (result: RunCodeResult): string =>
  JSON.stringify({
    result: result.results.map((item) => ({ ...item.data, isMainResult: item.isMainResult })),
    stdout: result.stdout,
    stderr: result.stderr,
    executionError: result.executionError === null ? null : errorText(result.executionError),
    ...(result.executionError === null || result.executionError.traceback === ""
      ? {}
      : { traceback: result.executionError.traceback }),
    execution_count: result.executionCount,
    execution_time: result.executionTime
  })

const errorText = (error: { readonly name: string; readonly value: string }): string =>
  error.value === "" ? error.name : `${error.name}: ${error.value}`

/** Formats a run for clients that display text unparsed: the output, then the value or the error. */
export const plainRun = ({ executionError, results, stderr, stdout }: RunCodeResult) => {
  const printed = [...stdout, ...stderr].join("")
  const value = results.find(({ isMainResult }) => isMainResult)?.data["text/plain"]
  if (executionError === null) {
    return { text: Predicate.isString(value) ? withLast(printed, value) : printed, isError: false }
  }
  const error = errorText(executionError)
  const isPrinted = printed.trimEnd().endsWith(error.trimEnd())
  return { text: isPrinted ? printed : withLast(printed, error), isError: true }
}

const withLast = (printed: string, last: string): string =>
  printed === "" || printed.endsWith("\n") ? printed + last : `${printed}\n${last}`

/** Codec of the tool's text. The traceback is sent beside `executionError`, in a field that other clients ignore. */
export const RunCodeText = Schema.transformOrFail(Schema.String, Schema.typeSchema(RunCodeResult), {
  strict: true,
  decode: (text, _options, ast) => {
    const result = read(text)
    return result === undefined
      ? ParseResult.fail(new ParseResult.Type(ast, text, "the result of a run"))
      : ParseResult.succeed(result)
  },
  encode: (result) => ParseResult.succeed(write(result))
})
