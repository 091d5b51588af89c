/**
 * The JavaScript kernel: a process that keeps its state between runs. Code is evaluated by V8's inspector in REPL mode,
 * which allows top-level `await` and the redeclaration of a `const`.
 *
 * Requests arrive on descriptor 3 and replies are written to descriptor 4. Interrupts arrive on descriptor 5, which a thread
 * of its own reads.
 */
import { type Runtime, Session } from "node:inspector"
import { Socket } from "node:net"
import { join } from "node:path"
import { inspect, types } from "node:util"
import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads"
import { decodeFields, encodeFields, lines } from "../../../src/internal/agentWire/fields.js"
import { nameProcess } from "../../process/processName.js"
import { beginRun, endRun, stopRun, trackTimers } from "./activity.js"
import {
  describeError,
  describeSyntaxError,
  type ErrorReport,
  hideKernelFrames,
  interrupted,
  isOfRun,
  isRedeclaration,
  mapLines,
  stackOf
} from "./errors.js"
import { clearModuleCache, prepareGlobals, writeAll } from "./globals.js"
import { rewriteModule } from "./importRewrite.js"
import { failsToParse, wrapObjectLiteral } from "./syntax.js"
import { looksLikeTypeScript, type Stripped, stripTypes } from "./typeScript.js"

const maxRequestBytes = 64 * 1024 * 1024

type RemoteObject = Runtime.RemoteObject

type ExceptionDetails = Runtime.ExceptionDetails

const session = new Session()
session.connect()

/** Receives values that the inspector passes by reference. */
const holder = { value: undefined as unknown }

/** The inspector's object id of the holder. */
const holderId = (() => {
  const key = "__holder"
  Reflect.set(globalThis, key, holder)
  let found: string | undefined
  session.post("Runtime.evaluate", { expression: key }, (_, answer) => {
    found = answer.result.objectId
  })
  Reflect.deleteProperty(globalThis, key)
  return found
})()

/** The value of a remote object. */
const valueOf = ({ objectId, unserializableValue, value }: RemoteObject): unknown => {
  holder.value = undefined
  session.post("Runtime.callFunctionOn", {
    functionDeclaration: "function(value) { this.value = value }",
    ...holderId === undefined ? {} : { objectId: holderId },
    arguments: [
      objectId !== undefined ? { objectId } : unserializableValue !== undefined ? { unserializableValue } : { value }
    ]
  })
  const found = holder.value
  holder.value = undefined
  return found
}

const describeException = (
  { columnNumber, exception, lineNumber, scriptId, text }: ExceptionDetails,
  name: string,
  code: string
): ErrorReport => {
  if (exception === undefined) return { name: "Error", value: text, traceback: text }
  const report = describeError(valueOf(exception))
  const isOfCode = report.name === "SyntaxError" && scriptId !== undefined
  if (!isOfCode || report.traceback.includes(`${name}:`) && !isRedeclaration(report.value)) return report
  return describeSyntaxError(name, code, { message: report.value, line: lineNumber, column: columnNumber })
}

const reply = (...lines: ReadonlyArray<ReadonlyArray<string>>) =>
  writeAll(4, Buffer.from(lines.map(encodeFields).join("")))

let current: { readonly count: string; readonly limit: number } | undefined

/** Ends the run, unless it has ended already. `result` consists of pairs of MIME type and content. */
const finish = (count: string, error: ErrorReport | undefined, result?: ReadonlyArray<string>) => {
  if (current?.count !== count) return
  const { limit } = current
  current = undefined
  endRun()
  session.post("Runtime.releaseObjectGroup", { objectGroup: "run" })
  const outcome = error === undefined ? ["0", "", "", ""] : ["1", error.name, error.value, error.traceback]
  const results = result === undefined ? [] : [["result", count, "0", "1", ...result]]
  reply(
    ...[...results, ["done", count, ...outcome]].map((fields) => fields.map((field) => String(field).slice(0, limit)))
  )
}

/** Ends a run from outside. If something it has started could resume it later and cannot be stopped, the kernel dies. */
const endInterrupted = (count: string) => {
  if (current?.count !== count) return
  if (stopRun()) return finish(count, interrupted)
  current = undefined
  process.kill(process.pid, "SIGKILL")
}

const show = (count: string, value: unknown) => {
  if (value === undefined) return finish(count, undefined)
  try {
    finish(count, undefined, displayBundle(value))
  } catch (error) {
    finish(count, describeError(error))
  }
}

/** The representations of a value: its text, and those that it provides itself (as in Deno's Jupyter kernel). */
const displayBundle = (value: unknown): ReadonlyArray<string> => {
  const own = typeof value === "object" && value !== null
    ? Reflect.get(value, Symbol.for("Jupyter.display"))
    : undefined
  const bundle: Record<string, unknown> = typeof own === "function" ? Reflect.apply(own, value, []) : {}
  const text = types.isNativeError(value) ? stackOf(value) : inspect(value)
  return Object.entries({ "text/plain": text, ...bundle }).flatMap(([type, content]) => [
    type,
    typeof content === "string" ? content : JSON.stringify(content)
  ])
}

const run = (line: string) => {
  const [, count = "", , limit = "", code = ""] = decodeFields(line)
  current = { count, limit: Number(limit) }
  const typed = looksLikeTypeScript(code) ? stripTypes(code) : undefined
  beginRun(() => {
    if (typed === undefined || !("code" in typed)) evaluate(count, code, (fault) => evaluateTyped(count, code, fault))
    else evaluateStripped(count, typed)
  })
}

/** Code that is not JavaScript may be TypeScript. If it is neither, the parser that got further gives the error. */
const evaluateTyped = (count: string, code: string, fault: ExceptionDetails) => {
  const name = `run-${count}`
  const typed = stripTypes(code)
  if ("code" in typed) return evaluateStripped(count, typed)
  const further = typed.line - fault.lineNumber || typed.column - fault.columnNumber
  finish(count, further > 0 ? describeSyntaxError(name, code, typed) : describeException(fault, name, code))
}

const evaluateStripped = (count: string, { code, map }: Stripped) => {
  if (map !== undefined) mapLines(`run-${count}`, map)
  evaluate(count, code)
}

/** `onSyntaxError` is called if the code does not parse, in which case none of it has run. */
const evaluate = (count: string, code: string, onSyntaxError?: (fault: ExceptionDetails) => void) => {
  const name = `run-${count}`
  const rewritten = wrapObjectLiteral(rewriteModule(code))
  const options = {
    expression: `${rewritten}\n//# sourceURL=${name}`,
    replMode: true,
    awaitPromise: true,
    objectGroup: "run"
  }
  session.post("Runtime.evaluate", options, (
    failure: Error | null,
    answer: Runtime.EvaluateReturnType
  ) => {
    if (failure !== null) return finish(count, interrupted)
    const { exceptionDetails: fault, result } = answer
    if (fault !== undefined) {
      const unparsed = onSyntaxError !== undefined && fault.exception?.className === "SyntaxError" &&
        failsToParse(rewritten)
      return unparsed ? onSyntaxError(fault) : finish(count, describeException(fault, name, code))
    }
    const value = valueOf(result)
    if (!types.isPromise(value)) return show(count, value)
    value.then((settled) => show(count, settled), (error) => finish(count, describeError(error)))
  })
}

const startInterruptThread = () => {
  const options: WorkerOptions = {
    env: SHARE_ENV,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 }
  }
  const worker = new Worker(join(__dirname, "interruptThread.cjs"), options)
  worker.on("message", ({ interrupt, ping }) => {
    if (ping !== undefined) worker.postMessage(ping)
    else endInterrupted(interrupt)
  })
}

/** An uncaught error ends the run that it belongs to, as it would end a program. */
const onUncaught = (error: unknown) => {
  const report = describeError(error)
  if (current === undefined || !isOfRun(report, `run-${current.count}`)) {
    return writeAll(2, Buffer.from(`Uncaught ${report.traceback}\n`))
  }
  stopRun()
  finish(current.count, report)
}

nameProcess("agb-javascript")
clearModuleCache()
prepareGlobals()
hideKernelFrames()
trackTimers()
process.on("SIGINT", () => {})
process.on("uncaughtException", onUncaught)
process.on("unhandledRejection", onUncaught)
startInterruptThread()
const requests = new Socket({ fd: 3, readable: true, writable: false })
requests.on("data", lines(maxRequestBytes, run, () => process.exit(1)))
requests.on("close", () => process.exit(0))
reply(["ready"])
