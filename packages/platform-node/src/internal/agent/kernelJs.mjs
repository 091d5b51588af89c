// @ts-check
/**
 * Runs JavaScript code for the agent: one process, its state kept from run to run. The code goes through V8's inspector in
 * REPL mode, which allows `await` and a second `const` of the same name at the top level.
 *
 * Requests come on descriptor 3 and replies go to descriptor 4. Descriptor 5 brings interrupts, to a thread of their own.
 */
import { Console } from "node:console"
import * as fs from "node:fs"
import { Session } from "node:inspector"
import Module, { createRequire } from "node:module"
import * as net from "node:net"
import { join } from "node:path"
import { Writable } from "node:stream"
import { inspect, types } from "node:util"
import { SHARE_ENV, Worker } from "node:worker_threads"
import { decodeFields, encodeFields, lines } from "./fields.mjs"
import { importName, rewriteImports } from "./importRewrite.mjs"

const longestRequest = 64 * 1024 * 1024

/**
 * @typedef {import("node:inspector").Runtime.RemoteObject} RemoteObject
 * @typedef {import("node:inspector").Runtime.ExceptionDetails} ExceptionDetails
 * @typedef {{ readonly name: string, readonly value: string, readonly traceback: string }} Told
 */

/**
 * Writes all of it before it returns. A child that shares the pipe may have made it non-blocking.
 *
 * @param {number} fd
 * @param {Uint8Array} bytes
 */
const writeAll = (fd, bytes) => {
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(fd, bytes, at)
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * A second descriptor for a stream, in case the code closes the first.
 *
 * @param {number} fd
 */
const duplicate = (fd) => fs.openSync(`/proc/self/fd/${fd}`, "a")

const outputs = [duplicate(1), duplicate(2)]

/** @param {1 | 2} fd */
const makeStream = (fd) => {
  const write = (/** @type {Buffer} */ chunk, /** @type {unknown} */ _encoding, /** @type {() => void} */ done) => {
    writeAll(fd, chunk)
    done()
  }
  return Object.assign(new Writable({ write }), { fd })
}

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

const folder = new URL(".", import.meta.url).href

/**
 * Frames of Node and of this program say nothing about the code that ran.
 *
 * @param {string} line
 */
const isForeign = (line) => /^\s+at /.test(line) && (/\(?node:/.test(line) || line.includes(folder))

/**
 * An error with its stack and its own properties, which follow the last frame in braces.
 *
 * @param {unknown} error
 */
const stackOf = (error) => {
  /** @type {Array<string>} */
  const kept = []
  for (const line of inspect(error).split("\n")) {
    if (!isForeign(line)) kept.push(line)
    else if (line.endsWith(" {")) kept.push(`${kept.pop()} {`)
  }
  return kept.join("\n")
}

/**
 * @param {unknown} error
 * @returns {Told}
 */
const explain = (error) => {
  try {
    if (types.isNativeError(error) || error instanceof Error) {
      return { name: error.name, value: error.message, traceback: stackOf(error) }
    }
    return { name: "Error", value: inspect(error), traceback: `Uncaught ${inspect(error)}` }
  } catch {
    return { name: "Error", value: "", traceback: "Uncaught error that cannot be shown" }
  }
}

/**
 * @param {ExceptionDetails} details
 * @param {string} name
 * @param {string} code
 * @returns {Told}
 */
const explainDetails = ({ columnNumber, exception, lineNumber, text }, name, code) => {
  if (exception === undefined) return { name: "Error", value: text, traceback: text }
  const told = explain(valueOf(exception))
  if (told.name !== "SyntaxError" || told.traceback.includes(`${name}:`)) return told
  const line = code.split("\n")[lineNumber] ?? ""
  return {
    ...told,
    traceback: `${name}:${lineNumber + 1}\n${line}\n${" ".repeat(columnNumber)}^\n\nSyntaxError: ${told.value}`
  }
}

/** @type {{ readonly count: string, readonly mark: string, readonly limit: number } | undefined} */
let current

/**
 * Ends the run, unless it has ended before.
 *
 * @param {string} count
 * @param {Told | undefined} error
 * @param {string} [shown]
 */
const finish = (count, error, shown) => {
  if (current?.count !== count) return
  const { limit, mark } = current
  current = undefined
  session.post("Runtime.releaseObjectGroup", { objectGroup: "run" })
  for (const fd of outputs) writeAll(fd, Buffer.from(mark))
  const told = error === undefined ? ["0", "", "", ""] : ["1", error.name, error.value, error.traceback]
  const results = shown === undefined ? [] : ["1", "1", "text/plain", shown]
  const fields = ["done", count, ...told, ...results].map((field) => String(field).slice(0, limit))
  writeAll(4, Buffer.from(encodeFields(fields)))
}

/**
 * @param {string} count
 * @param {unknown} value
 */
const show = (count, value) => {
  if (value === undefined) return finish(count, undefined)
  try {
    finish(count, undefined, types.isNativeError(value) ? stackOf(value) : inspect(value))
  } catch (error) {
    finish(count, explain(error))
  }
}

const interrupted = {
  name: "Interrupted",
  value: "The run was interrupted",
  traceback: "Interrupted: The run was interrupted"
}

/** @param {string} line */
const run = (line) => {
  const [, count = "", mark = "", limit = "", code = ""] = decodeFields(line)
  const name = `run-${count}`
  current = { count, mark, limit: Number(limit) }
  const expression = `${rewriteImports(code)}\n//# sourceURL=${name}`
  const options = { expression, replMode: true, awaitPromise: true, objectGroup: "run" }
  session.post("Runtime.evaluate", options, (
    /** @type {Error | null} */ failure,
    /** @type {import("node:inspector").Runtime.EvaluateReturnType} */ answer
  ) => {
    if (failure !== null) return finish(count, interrupted)
    if (answer.exceptionDetails !== undefined) return finish(count, explainDetails(answer.exceptionDetails, name, code))
    const value = valueOf(answer.result)
    if (!types.isPromise(value)) return show(count, value)
    value.then((settled) => show(count, settled), (error) => finish(count, explain(error)))
  })
}

/** What the code finds in the global scope; modules are looked up from the working directory. */
const prepareGlobals = () => {
  const file = join(process.cwd(), "[code]")
  const module = new Module(file)
  const load = /** @type {{ _compile(code: string, file: string): void }} */ (/** @type {unknown} */ (module))
  load._compile("module.exports = (from, options) => import(from, options)", file)
  const globals = { require: createRequire(file), [importName]: module.exports }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }
  const stdout = makeStream(1)
  const stderr = makeStream(2)
  Object.defineProperty(process, "stdout", { value: stdout, configurable: true, enumerable: true })
  Object.defineProperty(process, "stderr", { value: stderr, configurable: true, enumerable: true })
  globalThis.console = new Console({ stdout, stderr })
  process.argv.length = 1
  process.execArgv.length = 0
}

const watch = () => {
  /** @type {import("node:worker_threads").WorkerOptions} */
  const options = {
    env: SHARE_ENV,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 }
  }
  const worker = new Worker(new URL("./kernelJsWatch.mjs", import.meta.url), options)
  worker.on("message", ({ abandon, ping }) => {
    if (ping !== undefined) worker.postMessage(ping)
    else finish(abandon, interrupted)
  })
}

/** @param {unknown} error */
const report = (error) => writeAll(2, Buffer.from(`Uncaught ${explain(error).traceback}\n`))

prepareGlobals()
process.on("SIGINT", () => {})
process.on("uncaughtException", report)
process.on("unhandledRejection", report)
watch()
const requests = new net.Socket({ fd: 3, readable: true, writable: false })
requests.on("data", lines(longestRequest, run, () => process.exit(1)))
requests.on("close", () => process.exit(0))
writeAll(4, Buffer.from(encodeFields(["ready"])))
