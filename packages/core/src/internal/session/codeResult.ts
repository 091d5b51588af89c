/** The result of a run from what it has shown and printed. */
import * as Duration from "effect/Duration"
import type { CodeResultItem } from "../../AgbError.js"
import type { CodeResult } from "./codeModels.js"

interface Run extends Omit<CodeResult, "text" | "executionCount" | "executionTime"> {
  readonly executionCount?: number | undefined
  /** Seconds. */
  readonly executionTime?: number | undefined
}

const plainText = (item: CodeResultItem): string | undefined => {
  const text = item.data["text/plain"]
  return typeof text === "string" ? text : undefined
}

const mainText = (results: ReadonlyArray<CodeResultItem>): string | undefined => {
  const main = results.find((item) => item.isMainResult && plainText(item) !== undefined)
  const first = main ?? results.find((item) => plainText(item) !== undefined)
  return first === undefined ? undefined : plainText(first)
}

export const resultOf = ({ executionCount, executionTime, results, stderr, stdout }: Run): CodeResult => ({
  text: mainText(results) ?? stdout,
  results,
  stdout,
  stderr,
  executionCount,
  executionTime: executionTime === undefined ? undefined : Duration.seconds(executionTime)
})
