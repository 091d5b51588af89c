// @ts-check
"use strict"

/**
 * Runs JavaScript code for the agent: one process, its state kept from run to run. The code goes through V8's inspector in
 * REPL mode, which allows `await` and a second `const` of the same name at the top level.
 *
 * Requests come on descriptor 3 and replies go to descriptor 4. Descriptor 5 brings interrupts, to a thread of their own.
 */
const { Session } = require("node:inspector")
const net = require("node:net")
const { join } = require("node:path")
const { inspect, types } = require("node:util")
const { SHARE_ENV, Worker } = require("node:worker_threads")
const { decodeFields, encodeFields, lines } = require("./fields.cjs")
const { rewriteModule } = require("./importRewrite.cjs")
const { beginRun, endRun, stopRun, watchTimers } = require("./kernelJsActivity.cjs")
const { explain, explainSyntax, interrupted, isOfRun, isRedeclaration, mapLines, stackOf, tellOwnFrames } = require(
  "./kernelJsErrors.cjs"
)
const { forgetModules, prepareGlobals, writeAll } = require("./kernelJsGlobals.cjs")
const { isRefused, withObject } = require("./kernelJsSyntax.cjs")
const { looksTyped, stripTypes } = require("./kernelJsTypes.cjs")
const { nameProcess } = require("./processName.cjs")

const longestRequest = 64 * 1024 * 1024

/**
 * @typedef {import("node:inspector").Runtime.RemoteObject} RemoteObject
 * @typedef {import("node:inspector").Runtime.ExceptionDetails} ExceptionDetails
 * @typedef {import("./kernelJsErrors.cjs").Told} Told
 */

const session = new Session()
session.connect()

/** What the inspector hands over by reference ends up here. */
const holder = { value: /** @type {unknown} */ (undefined) }

/** The identifier by which the inspector knows the holder. */
const holderId = (() => {
  const key = "__holder"
  Reflect.set(globalThis, key, holder)
  /** @type {string | undefined} */
  let found
  session.post("Runtime.evaluate", { expression: key }, (_, answer) => {
    found = answer.result.objectId
  })
  Reflect.deleteProperty(globalThis, key)
  return found
})()

/**
 * The value that a remote object stands for.
 *
 * @param {RemoteObject} remote
 * @returns {unknown}
 */
const valueOf = ({ objectId, unserializableValue, value }) => {
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

/**
 * @param {ExceptionDetails} details
 * @param {string} name
 * @param {string} code
 * @returns {Told}
 */
const explainDetails = ({ columnNumber, exception, lineNumber, scriptId, text }, name, code) => {
  if (exception === undefined) return { name: "Error", value: text, traceback: text }
  const told = explain(valueOf(exception))
  const isOfCode = told.name === "SyntaxError" && scriptId !== undefined
  if (!isOfCode || told.traceback.includes(`${name}:`) && !isRedeclaration(told.value)) return told
  return explainSyntax(name, code, { message: told.value, line: lineNumber, column: columnNumber })
}

/** @param {ReadonlyArray<ReadonlyArray<string>>} lines */
const reply = (...lines) => writeAll(4, Buffer.from(lines.map(encodeFields).join("")))

/** @type {{ readonly count: string, readonly limit: number } | undefined} */
let current

/**
 * Ends the run, unless it has ended before.
 *
 * @param {string} count
 * @param {Told | undefined} error
 * @param {ReadonlyArray<string>} [shown] types and contents
 */
const finish = (count, error, shown) => {
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
 *
 * @param {string} count
 */
const abandon = (count) => {
  if (current?.count !== count) return
  if (stopRun()) return finish(count, interrupted)
  current = undefined
  process.kill(process.pid, "SIGKILL")
}

/**
 * @param {string} count
 * @param {unknown} value
 */
const show = (count, value) => {
  if (value === undefined) return finish(count, undefined)
  try {
    finish(count, undefined, described(value))
  } catch (error) {
    finish(count, explain(error))
  }
}

/**
 * The representations of a value: those it names itself, as in other kernels for JavaScript, and its text.
 *
 * @param {unknown} value
 * @returns {ReadonlyArray<string>}
 */
const described = (value) => {
  const own = typeof value === "object" && value !== null
    ? Reflect.get(value, Symbol.for("Jupyter.display"))
    : undefined
  /** @type {Record<string, unknown>} */
  const bundle = typeof own === "function" ? Reflect.apply(own, value, []) : {}
  const text = types.isNativeError(value) ? stackOf(value) : inspect(value)
  return Object.entries({ "text/plain": text, ...bundle }).flatMap(([type, content]) => [
    type,
    typeof content === "string" ? content : JSON.stringify(content)
  ])
}

/** @param {string} line */
const run = (line) => {
  const [, count = "", , limit = "", code = ""] = decodeFields(line)
  current = { count, limit: Number(limit) }
  const typed = looksTyped(code) ? stripTypes(code) : undefined
  beginRun(() => {
    if (typed === undefined || !("code" in typed)) evaluate(count, code, (fault) => evaluateTyped(count, code, fault))
    else evaluateStripped(count, typed)
  })
}

/**
 * Code that is no JavaScript may be TypeScript. If it is neither, whichever reads further tells more.
 *
 * @param {string} count
 * @param {string} code
 * @param {ExceptionDetails} fault
 */
const evaluateTyped = (count, code, fault) => {
  const name = `run-${count}`
  const typed = stripTypes(code)
  if ("code" in typed) return evaluateStripped(count, typed)
  const further = typed.line - fault.lineNumber || typed.column - fault.columnNumber
  finish(count, further > 0 ? explainSyntax(name, code, typed) : explainDetails(fault, name, code))
}

/**
 * @param {string} count
 * @param {import("./kernelJsTypes.cjs").Stripped} stripped
 */
const evaluateStripped = (count, { code, map }) => {
  if (map !== undefined) mapLines(`run-${count}`, map)
  evaluate(count, code)
}

/**
 * @param {string} count
 * @param {string} code
 * @param {(fault: ExceptionDetails) => void} [onRefused] what to do where nothing of the code has run
 */
const evaluate = (count, code, onRefused) => {
  const name = `run-${count}`
  const rewritten = withObject(rewriteModule(code))
  const options = {
    expression: `${rewritten}\n//# sourceURL=${name}`,
    replMode: true,
    awaitPromise: true,
    objectGroup: "run"
  }
  session.post("Runtime.evaluate", options, (
    /** @type {Error | null} */ failure,
    /** @type {import("node:inspector").Runtime.EvaluateReturnType} */ answer
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
  /** @type {import("node:worker_threads").WorkerOptions} */
  const options = {
    env: SHARE_ENV,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 }
  }
  const worker = new Worker(join(__dirname, "kernelJsWatch.cjs"), options)
  worker.on("message", ({ interrupt, ping }) => {
    if (ping !== undefined) worker.postMessage(ping)
    else abandon(interrupt)
  })
}

/**
 * What nobody caught ends the run it belongs to, as it would end a program.
 *
 * @param {unknown} error
 */
const report = (error) => {
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
const requests = new net.Socket({ fd: 3, readable: true, writable: false })
requests.on("data", lines(longestRequest, run, () => process.exit(1)))
requests.on("close", () => process.exit(0))
reply(["ready"])
