/**
 * Runs JavaScript code for the agent: one process, its state kept from run to run. The code goes through V8's inspector in
 * REPL mode, which allows `await` and a second `const` of the same name at the top level.
 *
 * Requests come on descriptor 3 and replies go to descriptor 4. Descriptor 5 brings interrupts, to a thread of their own.
 */
import { type Runtime, Session } from "node:inspector"
import * as Net from "node:net"
import { join } from "node:path"
import { inspect, types } from "node:util"
import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads"
import { decodeFields, encodeFields, lines } from "../../../src/internal/agentWire/fields.js"
import { nameProcess } from "../../process/processName.js"
import { beginRun, endRun, stopRun, watchTimers } from "./activity.js"
import {
  explain,
  explainSyntax,
  interrupted,
  isOfRun,
  isRedeclaration,
  mapLines,
  stackOf,
  tellOwnFrames,
  type Told
} from "./errors.js"
import { forgetModules, prepareGlobals, writeAll } from "./globals.js"
import { rewriteModule } from "./importRewrite.js"
import { isRefused, withObject } from "./syntax.js"
import { looksTyped, type Stripped, stripTypes } from "./typeScript.js"

const longestRequest = 64 * 1024 * 1024

type RemoteObject = Runtime.RemoteObject

type ExceptionDetails = Runtime.ExceptionDetails

const session = new Session()
session.connect()

/** What the inspector hands over by reference ends up here. */
const holder = { value: undefined as unknown }

/** The identifier by which the inspector knows the holder. */
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

/** The value that a remote object stands for. */
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

const explainDetails = (
  { columnNumber, exception, lineNumber, scriptId, text }: ExceptionDetails,
  name: string,
  code: string
): Told => {
  if (exception === undefined) return { name: "Error", value: text, traceback: text }
  const told = explain(valueOf(exception))
  const isOfCode = told.name === "SyntaxError" && scriptId !== undefined
  if (!isOfCode || told.traceback.includes(`${name}:`) && !isRedeclaration(told.value)) return told
  return explainSyntax(name, code, { message: told.value, line: lineNumber, column: columnNumber })
}

const reply = (...lines: ReadonlyArray<ReadonlyArray<string>>) =>
  writeAll(4, Buffer.from(lines.map(encodeFields).join("")))

let current: { readonly count: string; readonly limit: number } | undefined

/**
 * Ends the run, unless it has ended before.
 *
 * @param shown types and contents
 */
const finish = (count: string, error: Told | undefined, shown?: ReadonlyArray<string>) => {
  if (current?.count !== count) return
  const { limit } = current
  current = undefined
  endRun()
  session.post("Runtime.releaseObjectGroup", { objectGroup: "run" })
  const told = error === undefined ? ["0", "", "", ""] : ["1", error.name, error.value, error.traceback]
  const result = shown === undefined ? [] : [["result", count, "0", "1", ...shown]]
  reply(...[...result, ["done", count, ...told]].map((fields) => fields.map((field) => String(field).slice(0, limit))))
}

/**
 * Ends a run from outside. What it has started could go on with it later: if that cannot be stopped, nothing goes on.
 */
const abandon = (count: string) => {
  if (current?.count !== count) return
  if (stopRun()) return finish(count, interrupted)
  current = undefined
  process.kill(process.pid, "SIGKILL")
}

const show = (count: string, value: unknown) => {
  if (value === undefined) return finish(count, undefined)
  try {
    finish(count, undefined, described(value))
  } catch (error) {
    finish(count, explain(error))
  }
}

/** The representations of a value: those it names itself, as in other kernels for JavaScript, and its text. */
const described = (value: unknown): ReadonlyArray<string> => {
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
  const typed = looksTyped(code) ? stripTypes(code) : undefined
  beginRun(() => {
    if (typed === undefined || !("code" in typed)) evaluate(count, code, (fault) => evaluateTyped(count, code, fault))
    else evaluateStripped(count, typed)
  })
}

/** Code that is no JavaScript may be TypeScript. If it is neither, whichever reads further tells more. */
const evaluateTyped = (count: string, code: string, fault: ExceptionDetails) => {
  const name = `run-${count}`
  const typed = stripTypes(code)
  if ("code" in typed) return evaluateStripped(count, typed)
  const further = typed.line - fault.lineNumber || typed.column - fault.columnNumber
  finish(count, further > 0 ? explainSyntax(name, code, typed) : explainDetails(fault, name, code))
}

const evaluateStripped = (count: string, { code, map }: Stripped) => {
  if (map !== undefined) mapLines(`run-${count}`, map)
  evaluate(count, code)
}

/**
 * @param onRefused what to do where nothing of the code has run
 */
const evaluate = (count: string, code: string, onRefused?: (fault: ExceptionDetails) => void) => {
  const name = `run-${count}`
  const rewritten = withObject(rewriteModule(code))
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
      const refused = onRefused !== undefined && fault.exception?.className === "SyntaxError" && isRefused(rewritten)
      return refused ? onRefused(fault) : finish(count, explainDetails(fault, name, code))
    }
    const value = valueOf(result)
    if (!types.isPromise(value)) return show(count, value)
    value.then((settled) => show(count, settled), (error) => finish(count, explain(error)))
  })
}

const watch = () => {
  const options: WorkerOptions = {
    env: SHARE_ENV,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 }
  }
  const worker = new Worker(join(__dirname, "interruptThread.cjs"), options)
  worker.on("message", ({ interrupt, ping }) => {
    if (ping !== undefined) worker.postMessage(ping)
    else abandon(interrupt)
  })
}

/** What nobody caught ends the run it belongs to, as it would end a program. */
const report = (error: unknown) => {
  const told = explain(error)
  if (current === undefined || !isOfRun(told, `run-${current.count}`)) {
    return writeAll(2, Buffer.from(`Uncaught ${told.traceback}\n`))
  }
  stopRun()
  finish(current.count, told)
}

nameProcess("agb-javascript")
forgetModules()
prepareGlobals()
tellOwnFrames()
watchTimers()
process.on("SIGINT", () => {})
process.on("uncaughtException", report)
process.on("unhandledRejection", report)
watch()
const requests = new Net.Socket({ fd: 3, readable: true, writable: false })
requests.on("data", lines(longestRequest, run, () => process.exit(1)))
requests.on("close", () => process.exit(0))
reply(["ready"])
