/** Result of `run_code`: written in one format, read in all formats used by servers. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { parseJson, showJson } from "../codecs.js"
import { CodeResultItem } from "../models.js"
import { isGatewayText } from "./gatewayText.js"

/** A finished run. `executionError` is `null` if the code raised no error. `executionTime` is in seconds. */
const runCodeResult = () =>
  Schema.Struct({
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

export type RunCodeResult = ReturnType<typeof runCodeResult>["Type"]

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

/** One displayed value, in any of its spellings. */
export const item = (raw: unknown): CodeResultItem => {
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

/** A list of texts or a single one; absent means none. Anything else is not output. */
const strings = (value: unknown): ReadonlyArray<string> | undefined => {
  if (value === undefined || value === null || value === "") return []
  if (typeof value === "string") return [value]
  return Array.isArray(value) && value.every(Predicate.isString) ? value : undefined
}

const list = (value: unknown): ReadonlyArray<unknown> | undefined =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : undefined

const isFlag = (value: unknown): boolean => value === undefined || value === null || typeof value === "boolean"

const number = (value: unknown): number | undefined => typeof value === "number" ? value : undefined

const nameAndValue = /^([A-Za-z_$][\w$.]*): ?([\s\S]*)$/

/** Matches `KeyboardInterrupt` or `java.lang.Error`, but not an arbitrary thrown word. */
const nameAlone = /^([A-Z][\w$]*|[\w$]+(?:\.[\w$]+)+)$/

/** Splits `ZeroDivisionError: division by zero` into name and value. */
export const splitError = (text: string, traceback: unknown) => {
  const [, name = "", value = ""] = nameAndValue.exec(text) ?? nameAlone.exec(text) ?? ["", "ExecutionError", text]
  return { name, value, traceback: typeof traceback === "string" ? traceback : "" }
}

const common = (value: Json) => ({
  executionCount: number(value["execution_count"]),
  executionTime: number(value["execution_time"])
})

const unnamed = { name: "ExecutionError", value: "the run is marked as failed", traceback: "" }

const current = (value: Json): RunCodeResult | undefined => {
  const { executionError: error = null, isError, result } = value
  const [results, stdout, stderr] = [list(result), strings(value["stdout"]), strings(value["stderr"])]
  if (results === undefined || stdout === undefined || stderr === undefined) return undefined
  if (error !== null && typeof error !== "string" || !isFlag(isError)) return undefined
  if (!error && !has(value, "result", "stdout", "stderr")) return undefined
  const executionError = error !== null && error !== ""
    ? splitError(error, value["traceback"])
    : isError === true
    ? { ...unnamed, traceback: typeof value["traceback"] === "string" ? value["traceback"] : "" }
    : null
  return { results: results.map(item), stdout, stderr, executionError, ...common(value) }
}

const richError = (error: Json) => {
  const field = (key: string) => typeof error[key] === "string" ? error[key] : ""
  return { name: field("name") || "ExecutionError", value: field("value"), traceback: field("traceback") }
}

const rich = (value: Json): RunCodeResult | undefined => {
  const { error = null, isError, logs = null } = value
  if (logs !== null && !Predicate.isRecord(logs) || error !== null && !Predicate.isRecord(error)) return undefined
  const { stderr: errors, stdout: output } = (logs ?? {}) as Json
  const [results, stdout, stderr] = [list(value["results"]), strings(output), strings(errors)]
  if (results === undefined || stdout === undefined || stderr === undefined || !isFlag(isError)) return undefined
  const executionError = error !== null ? richError(error as Json) : isError === true ? unnamed : null
  return { results: results.map(item), stdout, stderr, executionError, ...common(value) }
}

const nothing = { results: [], stdout: [], stderr: [], executionError: null }

const nested = (value: Json, content: ReadonlyArray<unknown>): RunCodeResult | undefined => {
  const texts = content.filter(Predicate.isRecord).map((entry) => (entry as Json)["text"]).filter(Predicate.isString)
  if (!isFlag(value["isError"])) return undefined
  if (value["isError"] === true) {
    return { ...nothing, executionError: { name: "ExecutionError", value: texts.join("; "), traceback: "" } }
  }
  return texts[0] === undefined ? undefined : read(texts[0])
}

/** Servers of the first generation (v0.2) answer with the bare output. */
const plain = (text: string): RunCodeResult | undefined =>
  isPlainRun(text) ? { ...nothing, stdout: [text], results: [textItem(text, true)] } : undefined

/** Whether a text is the bare output of a run: neither structured nor from a proxy in front of the server. */
export const isPlainRun = (text: string): boolean => {
  const value = unwrap(text)
  return text !== "" && typeof value !== "object" && !isGatewayText(typeof value === "string" ? value : text)
}

const has = (json: Json, ...names: ReadonlyArray<string>): boolean =>
  names.some((name) => json[name] !== undefined && json[name] !== null)

/** Returns `undefined` if the text is none of the documented forms of a run. An error alone is not one: proxies send it too. */
const read = (text: string): RunCodeResult | undefined => {
  const value = unwrap(text)
  if (!Predicate.isRecord(value)) return plain(text)
  const json = value as Json
  if (has(json, "result", "executionError")) return current(json)
  if (Array.isArray(json["content"])) return nested(json, json["content"])
  if (has(json, "logs", "results")) return rich(json)
  return has(json, "stdout", "stderr") ? current(json) : undefined
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
export const runCodeText = () =>
  Schema.transformOrFail(Schema.String, Schema.typeSchema(runCodeResult()), {
    strict: true,
    decode: (text, _options, ast) => {
      const result = read(text)
      return result === undefined
        ? ParseResult.fail(new ParseResult.Type(ast, text, "the result of a run"))
        : ParseResult.succeed(result)
    },
    encode: (result) => ParseResult.succeed(write(result))
  })
