/**
 * The kernel of a code context for JavaScript on Node 18 or newer. A second thread reads requests from descriptor 3, one JSON object
 * a line, and can interrupt an endless loop of the first, which has code evaluated by V8's inspector in REPL mode. Results and ends
 * go to descriptor 4. It names modules in a way that no bundler, and nobody who looks through a bundle, takes for imports of core.
 */
const reader = String.raw`
const load = require
const { Session } = load("inspector")
const { Socket } = load("net")
const { parentPort } = load("worker_threads")
let unanswered

const terminate = () => {
  const session = new Session()
  session.connectToMainThread()
  session.post("Runtime.terminateExecution", () => session.disconnect())
}

/** A main thread that does not answer is executing code. */
const interrupt = (count) => {
  unanswered = count
  parentPort.postMessage({ interrupt: count })
  setTimeout(() => { if (unanswered === count) terminate() }, 50)
}
parentPort.on("message", () => { unanswered = undefined })

const take = (line) => {
  const request = JSON.parse(line)
  if (request.interrupt === undefined) parentPort.postMessage(request)
  else interrupt(request.interrupt)
}

let rest = Buffer.alloc(0)
const input = new Socket({ fd: 3, readable: true, writable: false })
input.on("data", (chunk) => {
  rest = Buffer.concat([rest, chunk])
  for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
    take(rest.subarray(0, end).toString())
    rest = rest.subarray(end + 1)
  }
})
input.on("end", () => process.exit(0))
`

const main = String.raw`
const load = require
const { writeSync } = load("fs")
const { Session } = load("inspector")
const { createRequire } = load("module")
const { inspect, types } = load("util")
const { Worker } = load("worker_threads")
const { stringify } = JSON
const clock = performance

const emit = (event) => {
  let bytes = Buffer.from(stringify(event) + "\n")
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(4, bytes))
}
/** The frames of the code, without those below it. */
const stackOf = ({ stack }) => {
  const lines = String(stack).split("\n")
  const own = lines.findIndex((line) => /^    at .*(\[eval\]|node.inspector)/.test(line))
  return lines.slice(0, own === -1 ? lines.length : own).join("\n")
}
const show = (value, isMainResult) => {
  const text = types.isNativeError(value) ? stackOf(value) : inspect(value)
  emit({ type: "result", data: { "text/plain": text }, isMainResult })
}
/** Node queues what a pipe does not take at once. */
const writers = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }))
const flushed = () => Promise.all(writers.map(({ stream, write }) =>
  stream.writableLength === 0 ? undefined : new Promise((resolve) => { write("", resolve) })))

const interrupted = { name: "Interrupted", value: "the run was interrupted", traceback: "Interrupted: the run was interrupted" }
const describe = (error) => {
  if (!types.isNativeError(error)) return { name: "Error", value: inspect(error), traceback: "Uncaught " + inspect(error) }
  return { name: String(error.name), value: String(error.message), traceback: stackOf(error) }
}

const session = new Session()
session.connect()
const post = (method, params) => new Promise((resolve, reject) =>
  session.post(method, params, (error, reply) => error ? reject(error) : resolve(reply)))
const holder = { value: undefined, take(value) { this.value = value } }
globalThis[Symbol.for("agb.holder")] = holder
const holderId = post("Runtime.evaluate", { expression: "globalThis[Symbol.for('agb.holder')]" }).then(({ result }) => {
  delete globalThis[Symbol.for("agb.holder")]
  return result.objectId
})
const valueOf = async ({ objectId, type, unserializableValue, value }) => {
  if (type === "undefined") return undefined
  const argument = objectId !== undefined ? { objectId } : unserializableValue !== undefined ? { unserializableValue } : { value }
  const functionDeclaration = "function(value) { this.take(value) }"
  await post("Runtime.callFunctionOn", { objectId: await holderId, functionDeclaration, arguments: [argument] })
  if (objectId !== undefined) await post("Runtime.releaseObject", { objectId })
  const found = holder.value
  holder.value = undefined
  return { found }
}

const evaluate = async (code) => {
  try {
    const { exceptionDetails, result } = await post("Runtime.evaluate", { expression: code, replMode: true, awaitPromise: true })
    if (exceptionDetails === undefined) {
      const value = await valueOf(result)
      await flushed()
      if (value !== undefined) show(value.found, true)
      return null
    }
    const raised = exceptionDetails.exception === undefined ? undefined : await valueOf(exceptionDetails.exception)
    return describe(raised?.found)
  } catch (error) {
    return /terminated/.test(error.message) ? interrupted : describe(error)
  }
}

let current
const run = async ({ code, count }) => {
  const begun = clock.now()
  const stopped = new Promise((resolve) => { current = { count, stop: () => resolve(interrupted) } })
  const error = await Promise.race([evaluate(code), stopped])
  current = undefined
  await flushed()
  emit({ type: "done", count, seconds: (clock.now() - begun) / 1000, error })
}

globalThis.display = (...values) => { for (const value of values) show(value, false) }
globalThis.require = createRequire(process.cwd() + "/")
process.on("SIGINT", () => {})
process.on("uncaughtException", (error) => console.error("Uncaught " + describe(error).traceback))
const { AGB_READER } = process.env
delete process.env.AGB_READER
const worker = new Worker(AGB_READER, { eval: true })
let tail = Promise.resolve()
worker.on("message", (request) => {
  if (request.interrupt === undefined) tail = tail.then(() => run(request))
  else {
    worker.postMessage("here")
    if (current?.count === request.interrupt) current.stop()
  }
})
`

/** In a block, so that its names are not those of the code. */
export const javascriptKernel = { main: `{\n${main.trim()}\n}`, reader: reader.trim() }
