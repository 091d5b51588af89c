// @ts-check
"use strict"

/** Code: one long-lived kernel per language, one run at a time in each, replaced when it has died. */
const { count, text } = require("./args.cjs")
const { makeCallOutput } = require("./capture.cjs")
const { maxBodyBytes } = require("./connection.cjs")
const { Failure } = require("./failure.cjs")
const { startKernel } = require("./kernelProcess.cjs")
const { interpreterOf } = require("./languages.cjs")
const { weightOf } = require("./modestJson.cjs")
const { describeExit, limitTime } = require("./processes.cjs")

/** How long an interrupted run may take to give in before its kernel is killed. */
const graceMs = 1000

/** The results of a run share one frame with each other. */
const maxResultsBytes = maxBodyBytes / 2

/** The JSON in the results of a run; what is more is given as text. A client can be expected to nest as deep as this. */
const mostJson = { depth: 90, weight: 2 ** 20 }

/** @typedef {(call: import("./operation.cjs").Call) => Promise<import("./operation.cjs").Reply>} Run */

/**
 * @param {import("./operation.cjs").Agent} agent
 * @returns {Run}
 */
const makeKernels = (agent) => {
  /** @type {Map<string, Run>} */
  const lanes = new Map()

  return async (call) => {
    const language = text(call.args, "language")
    const interpreter = interpreterOf(language, agent.config)
    const lane = lanes.get(language) ?? makeLane(interpreter, agent)
    lanes.set(language, lane)
    return lane(call)
  }
}

/**
 * The runs of one language, one after the other.
 *
 * @param {import("./languages.cjs").Interpreter} interpreter
 * @param {import("./operation.cjs").Agent} agent
 * @returns {Run}
 */
const makeLane = (interpreter, agent) => {
  /** @type {import("./kernelProcess.cjs").Kernel | undefined} */
  let current
  let lost = false
  let runs = 0
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve()

  /** @param {AbortSignal} signal */
  const kernel = async (signal) => {
    if (current !== undefined) return current
    const started = await startKernel(interpreter, agent, signal)
    void started.exited.then(() => {
      current = undefined
      lost = true
    })
    return current = started
  }

  /** @type {Run} */
  const run = async (call) => {
    if (call.signal.aborted) throw new Failure("EFAIL", "Cancelled before it started")
    const output = makeCallOutput(call, agent)
    const running = await kernel(call.signal)
    const kernelRestarted = lost
    lost = false
    const results = makeResults(call, output)
    return supervise(running, call, output, results, { executionCount: ++runs, kernelRestarted })
  }

  return (call) => {
    const result = turn.then(() => run(call))
    turn = result.catch(() => undefined)
    return result
  }
}

/**
 * One run with its time limit: an interrupt first, which keeps the state, and then the end of the kernel.
 *
 * @param {import("./kernelProcess.cjs").Kernel} kernel
 * @param {import("./operation.cjs").Call} call
 * @param {import("./capture.cjs").CallOutput} output
 * @param {Results} results
 * @param {{ readonly executionCount: number, readonly kernelRestarted: boolean }} facts
 * @returns {Promise<import("./operation.cjs").Reply>}
 */
const supervise = async (kernel, call, output, results, facts) => {
  const code = text(call.args, "code")
  const started = performance.now()
  /** @type {ReturnType<typeof limitTime> | undefined} */
  let grace
  const stop = () => {
    output.hurry()
    kernel.interrupt()
    grace ??= limitTime(graceMs, kernel.kill)
  }
  const limit = limitTime(count(call.args, "timeoutMs"), stop)
  call.signal.addEventListener("abort", stop)
  const outcome = await kernel.run(facts.executionCount, code, output, results)
  call.signal.removeEventListener("abort", stop)
  const late = limit.stop()
  grace?.stop()

  const executionTime = (performance.now() - started) / 1000
  const told = { results: results.all(), ...facts, executionTime }
  if ("exit" in outcome) {
    const timedOut = late ? "killed" : null
    const died = late ? null : describeExit(outcome.exit)
    return output.reply({ ...told, error: null, timedOut, died })
  }
  const timedOut = late ? "interrupted" : null
  return output.reply({ ...told, error: errorOf(outcome.reply), timedOut, died: null })
}

/**
 * The last reply of a run: done, its number, "1" if it failed, and name, value and traceback of the error.
 *
 * @param {ReadonlyArray<string>} fields
 */
const errorOf = ([, , failed, name = "", value = "", traceback = ""]) =>
  failed === "1" ? { name, value, traceback } : null

/** @typedef {import("./kernelProcess.cjs").OnResult & { readonly all: () => ReadonlyArray<unknown> }} Results */

/**
 * Collects what a run shows, or passes it on as it comes if the host asked for that: an event whose body is the result as
 * JSON. Each result is "1" if it is the value of the code, and the types and contents of its representations.
 *
 * @param {import("./operation.cjs").Call} call
 * @param {import("./capture.cjs").CallOutput} output
 * @returns {Results}
 */
const makeResults = (call, output) => {
  /** @type {Array<unknown>} */
  const results = []
  const ordered = call.args["stream"] === true
  const parsed = jsonParser()
  let bytes = 0

  /** @type {Results["take"]} */
  const take = ([main, ...pairs], proceed) => {
    const result = { ...bundleOf(pairs, parsed), isMainResult: main === "1" }
    const body = Buffer.from(JSON.stringify(result))
    bytes += body.length
    if (bytes > maxResultsBytes) return proceed()
    if (!ordered) return void results.push(result)
    output.tell("result", body)
    output.whenOpen(proceed)
  }
  return { ordered, take, all: () => results }
}

/**
 * Types and contents, one after the other; what is JSON arrives as text.
 *
 * @param {ReadonlyArray<string>} pairs
 * @param {(content: string) => unknown} parsed
 */
const bundleOf = (pairs, parsed) => {
  /** @type {Record<string, unknown>} */
  const bundle = {}
  for (let at = 0; at < pairs.length; at += 2) {
    const [type = "", content = ""] = pairs.slice(at, at + 2)
    bundle[type] = /[/+]json$/.test(type) ? parsed(content) : content
  }
  return bundle
}

/** JSON, or the text itself where it is none, since Python writes NaN, and where all of it together is too much. */
const jsonParser = () => {
  let { weight: left } = mostJson
  return (/** @type {string} */ content) => {
    const weight = weightOf(Buffer.from(content), { ...mostJson, weight: left })
    if (weight === Infinity) return content
    left -= weight
    try {
      return /** @type {unknown} */ (JSON.parse(content))
    } catch {
      return content
    }
  }
}

module.exports = { makeKernels }
