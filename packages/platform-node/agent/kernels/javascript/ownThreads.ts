/** `new Worker(__filename)`: programs begin threads with their own code, which is in no file, so the threads are given it. */
import { syncBuiltinESMExports } from "node:module"
import { fileURLToPath } from "node:url"
import threads, { type WorkerOptions } from "node:worker_threads"
import { isScript } from "./syntax.js"

const pathOf = (from: string | URL) => from instanceof URL && from.protocol === "file:" ? fileURLToPath(from) : from

/** A module if it imports or exports by declarations, else as for `require`, where `await` at top level has to be wrapped. */
const beginning = (code: string, options: WorkerOptions | undefined): [string | URL, WorkerOptions] => {
  if (isScript(code)) return [code, { ...options, eval: true }]
  const wrapped = `(async () => {${code}\n})()`
  if (isScript(wrapped)) return [wrapped, { ...options, eval: true }]
  return [new URL(`data:text/javascript,${encodeURIComponent(code)}`), { ...options }]
}

/** `codeOf` returns the code that the path stands for. */
export const giveThreadsCode = (file: string, codeOf: () => string) => {
  const { Worker } = threads
  const own = {
    Worker: class extends Worker {
      constructor(from: string | URL, options?: WorkerOptions) {
        const [code, given] = pathOf(from) === file && options?.eval !== true
          ? beginning(codeOf(), options)
          : [from, options]
        super(code, given)
      }
    }
  }
  Object.assign(threads, own)
  syncBuiltinESMExports()
}
