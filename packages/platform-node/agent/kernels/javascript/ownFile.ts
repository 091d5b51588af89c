/**
 * Programs begin threads and processes with their own file: `new Worker(__filename)`, `fork(__filename)`, `cluster.fork()`. Code that
 * is run is in no file, so they are given the code.
 */
import { ChildProcess } from "node:child_process"
import { syncBuiltinESMExports } from "node:module"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import threads, { type WorkerOptions } from "node:worker_threads"
import { isScript } from "./syntax.js"

/** A module if it imports or exports by declarations, else as for `require`, where `await` at top level has to be wrapped. */
const programOf = (code: string): { readonly isModule: boolean; readonly text: string } => {
  if (isScript(code)) return { isModule: false, text: code }
  const wrapped = `(async () => {${code}\n})()`
  return isScript(wrapped) ? { isModule: false, text: wrapped } : { isModule: true, text: code }
}

const pathOf = (from: string | URL) => from instanceof URL && from.protocol === "file:" ? fileURLToPath(from) : from

const beginning = (code: string, options: WorkerOptions | undefined): [string | URL, WorkerOptions] => {
  const { isModule, text } = programOf(code)
  return isModule
    ? [new URL(`data:text/javascript,${encodeURIComponent(text)}`), { ...options }]
    : [text, { ...options, eval: true }]
}

interface SpawnOptions {
  readonly file: string
  /** The first is the name by which the program is called. */
  readonly args?: ReadonlyArray<string>
}

interface Spawning {
  spawn(options: SpawnOptions): unknown
}

const isNode = (program: string) => program === process.execPath || basename(program) === "node"

const evaluation = (code: string): ReadonlyArray<string> => {
  const { isModule, text } = programOf(code)
  return [...(isModule ? ["--input-type=module"] : []), "--eval", text]
}

/** `codeOf` returns the code that the path stands for. */
export const giveOwnCode = (file: string, codeOf: () => string) => {
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

  // What every way to start a process comes to that does not wait for its end; with `--eval` the path is in `process.argv` as well.
  const processes = ChildProcess.prototype as unknown as Spawning
  const { spawn } = processes
  processes.spawn = function(options) {
    const [name = "", ...args] = options.args ?? []
    const at = args.findIndex((arg) => !arg.startsWith("-"))
    const isOwn = isNode(options.file) && args[at] === file
    const given = isOwn ? [name, ...args.slice(0, at), ...evaluation(codeOf()), ...args.slice(at)] : options.args
    return spawn.call(this, given === undefined ? options : { ...options, args: given })
  }
}
