/** Runs code: one long-lived kernel per language, which executes one run at a time and is replaced after it has died. */
import { jsonCost } from "../../src/internal/agentWire/jsonLimits.js"
import { type CallOutput, makeCallOutput } from "../process/capture.js"
import { describeExit, type Launcher, limitTime } from "../process/processes.js"
import { countArg, stringArg } from "../wire/args.js"
import { maxBodyBytes } from "../wire/connection.js"
import { Failure } from "../wire/failure.js"
import type { Agent, Call, Operation, Reply } from "../wire/operation.js"
import { type Kernel, type OnResult, startKernel } from "./kernelProcess.js"
import { type Interpreter, interpreterOf } from "./languages.js"

/** How long an interrupted run may continue before its kernel is killed. */
const gracePeriodMs = 1000

/** All results of a run share one frame. */
const maxResultsBytes = maxBodyBytes / 2

/** Limits of the JSON in the results of a run: what exceeds them is sent as text. Clients can parse this depth. */
const maxJson = { depth: 90, cost: 2 ** 20 }

type Run = (call: Call) => Promise<Reply>

export const makeRunCode = (launcher: Launcher): Operation => {
  const queues = new Map<string, Run>()

  return async (call, agent) => {
    const language = stringArg(call.args, "language")
    const interpreter = interpreterOf(language, agent.config)
    const queue = queues.get(language) ?? makeSerialQueue(interpreter, agent, launcher)
    queues.set(language, queue)
    return queue(call)
  }
}

/** Executes the runs of one language one after the other. */
const makeSerialQueue = (interpreter: Interpreter, agent: Agent, launcher: Launcher): Run => {
  let current: Kernel | undefined
  let lost = false
  let runs = 0
  let tail: Promise<unknown> = Promise.resolve()

  const kernel = async (signal: AbortSignal) => {
    if (current !== undefined) return current
    const started = await startKernel(interpreter, agent.config, launcher, signal)
    void started.exited.then(() => {
      current = undefined
      lost = true
    })
    return current = started
  }

  const run: Run = async (call) => {
    if (call.signal.aborted) throw new Failure("EFAIL", "Cancelled before it started")
    const output = makeCallOutput(call, agent)
    const running = await kernel(call.signal)
    const kernelRestarted = lost
    lost = false
    const results = makeResults(call, output)
    return runWithLimit(running, call, output, results, { executionCount: ++runs, kernelRestarted })
  }

  return (call) => {
    const result = tail.then(() => run(call))
    tail = result.catch(() => undefined)
    return result
  }
}

/** When the time is up the run is interrupted, which keeps the state of the kernel; after the grace period it is killed. */
const runWithLimit = async (
  kernel: Kernel,
  call: Call,
  output: CallOutput,
  results: Results,
  info: { readonly executionCount: number; readonly kernelRestarted: boolean }
): Promise<Reply> => {
  const code = stringArg(call.args, "code")
  const started = performance.now()
  let grace: ReturnType<typeof limitTime> | undefined
  const stop = () => {
    output.endBackpressure()
    kernel.interrupt()
    grace ??= limitTime(gracePeriodMs, kernel.kill)
  }
  const limit = limitTime(countArg(call.args, "timeoutMs"), stop)
  call.signal.addEventListener("abort", stop)
  const outcome = await kernel.run(info.executionCount, code, output, results)
  call.signal.removeEventListener("abort", stop)
  const isLate = limit.stop()
  grace?.stop()

  const executionTime = (performance.now() - started) / 1000
  const value = { results: results.all(), ...info, executionTime }
  if ("exit" in outcome) {
    const timedOut = isLate ? "killed" : null
    const died = isLate ? null : describeExit(outcome.exit)
    return output.reply({ ...value, error: null, timedOut, died })
  }
  const timedOut = isLate ? "interrupted" : null
  return output.reply({ ...value, error: errorOf(outcome.reply), timedOut, died: null })
}

/** The last reply of a run: `done`, its number, "1" if it failed, then name, value and traceback of the error. */
const errorOf = ([, , failed, name = "", value = "", traceback = ""]: ReadonlyArray<string>) =>
  failed === "1" ? { name, value, traceback } : null

type Results = OnResult & { readonly all: () => ReadonlyArray<unknown> }

/**
 * Collects the results of a run, or streams them if the host asked for that, as events whose body is the result as JSON.
 * Each result is "1" if it is the value of the code, followed by pairs of MIME type and content.
 */
const makeResults = (call: Call, output: CallOutput): Results => {
  const results: Array<unknown> = []
  const ordered = call.args["stream"] === true
  const parse = jsonParser()
  let bytes = 0

  const take: Results["take"] = ([main, ...pairs], proceed) => {
    const result = { ...bundleOf(pairs, parse), isMainResult: main === "1" }
    const body = Buffer.from(JSON.stringify(result))
    bytes += body.length
    if (bytes > maxResultsBytes) return proceed()
    if (!ordered) return void results.push(result)
    output.emit("result", body)
    output.whenWritable(proceed)
  }
  return { ordered, take, all: () => results }
}

const bundleOf = (pairs: ReadonlyArray<string>, parse: (content: string) => unknown) => {
  const bundle: Record<string, unknown> = {}
  for (let at = 0; at < pairs.length; at += 2) {
    const [type = "", content = ""] = pairs.slice(at, at + 2)
    bundle[type] = /[/+]json$/.test(type) ? parse(content) : content
  }
  return bundle
}

/** Returns the text itself if it is not JSON (Python writes NaN) or if it exceeds what is left of the limits. */
const jsonParser = () => {
  let { cost: left } = maxJson
  return (content: string) => {
    const cost = jsonCost(Buffer.from(content), { ...maxJson, cost: left })
    if (cost === Infinity) return content
    left -= cost
    try {
      return JSON.parse(content) as unknown
    } catch {
      return content
    }
  }
}
