/** Runs of code: the tool, and the events of the WebSocket. */
import type { ResultOf, Tools } from "../../../AgbTools.js"
import type { CodeOutput } from "./answers.js"
import { textOf } from "./script.js"

type RunResult = ResultOf<Tools["run_code"]>
type Item = RunResult["results"][number]

/** The displayed values of an output; its text is the main one. */
export const itemsOf = ({ results = [], text }: CodeOutput): ReadonlyArray<Item> => [
  ...results.map((data) => ({ data, isMainResult: false })),
  ...(text === undefined ? [] : [{ data: { "text/plain": text }, isMainResult: true }])
]

export type Raised = NonNullable<RunResult["executionError"]>

export const overtime: Raised = { name: "ExecutionTimeout", value: "the time limit is over", traceback: "" }

/** What the first of the outputs raises that raises anything. */
export const raisedBy = (found: ReadonlyArray<CodeOutput>): Raised | null => {
  const error = found.find(({ error }) => error !== undefined)?.error
  if (error === undefined) return null
  return { name: error.name, value: error.value, traceback: error.traceback ?? `${error.name}: ${error.value}` }
}

const lines = (text: string): ReadonlyArray<string> => text === "" ? [] : [text]

/** The result of the tool. */
export const resultOf = (found: ReadonlyArray<CodeOutput>, isLate: boolean): RunResult => ({
  results: found.flatMap(itemsOf),
  stdout: lines(textOf(found, "stdout")),
  stderr: lines(textOf(found, "stderr")),
  executionError: isLate ? overtime : raisedBy(found)
})
