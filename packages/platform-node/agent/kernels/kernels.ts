/** Runs code: one long-lived kernel per language, which executes one run at a time and is replaced after it has died. */
import { errorLength, resultsBytes, resultsCost } from "../../src/internal/agentWire/answerSizes.js"
import { jsonCost } from "../../src/internal/agentWire/jsonLimits.js"
import { type CallOutput, makeCallOutput } from "../process/capture.js"
import { describeExit, type Launcher, limitTime } from "../process/processes.js"
import { countArg, stringArg } from "../wire/args.js"
import { Failure } from "../wire/failure.js"
import type { Agent, Call, Config, Operation, Reply } from "../wire/operation.js"
import { type Kernel, type OnResult, startKernel } from "./kernelProcess.js"
import { type Interpreter, interpreterOf } from "./languages.js"

/** How long an interrupted run may continue before its kernel is killed. */
const gracePeriodMs = 1000

/** Limits of the JSON in the results of a run: what exceeds them is sent as text. Clients can parse this depth. */
const maxJson = { depth: 90, cost: resultsCost }

/** The same, with what holds that JSON. */
const maxCost = 2 * resultsCost - 2 ** 16

/** MIME types of one result, and results of one answer: the host spends time on each. */
const [maxTypes, maxResults] = [256, 10_000]

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
    const results = makeResults(call, agent.config, output)
    const info = { executionCount: ++runs, kernelRestarted }
    return runWithLimit(running, call, output, results, info, errorLength(agent.config.limits.maxOutputBytes))
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
  info: { readonly executionCount: number; readonly kernelRestarted: boolean },
  longestError: number
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
  const isLate = limit.stop() && !("reply" in outcome && endedEarly(outcome.reply))
  grace?.stop()
  if (isLate || call.signal.aborted) kernel.killStarted()

  const executionTime = (performance.now() - started) / 1000
  const value = { results: results.all(), ...info, executionTime }
  if ("exit" in outcome) {
    const timedOut = isLate ? "killed" : null
    const died = isLate ? null : describeExit(outcome.exit)
    return output.reply({ ...value, error: null, timedOut, died })
  }
  const timedOut = isLate ? "interrupted" : null
  return output.reply({ ...value, error: errorOf(outcome.reply, longestError), timedOut, died: null })
}

/**
 * Whether the code itself was done when the run was interrupted: only what it had started was still waited for. The last
 * field of the last reply tells that.
 */
const endedEarly = (reply: ReadonlyArray<string>) => reply[6] === "1"

/** The last reply of a run: `done`, its number, "1" if it failed, then name, value and traceback of the error. */
const errorOf = (
  [, , failed, name = "", value = "", traceback = ""]: ReadonlyArray<string>,
  longest: number
) => failed === "1" ? { name: cut(name, 1024), value: cut(value, longest), traceback: cut(traceback, longest) } : null

const cut = (text: string, length: number) =>
  text.length <= length ? text : `${text.slice(0, length)}\n[cut off after ${length} of ${text.length} characters]`

type Results = OnResult & { readonly all: () => ReadonlyArray<unknown> }

/**
 * Collects the results of a run, or streams them if the host asked for that, as events whose body is the result as JSON.
 * Each result is "1" if it is the value of the code, followed by pairs of MIME type and content.
 */
const makeResults = (call: Call, { limits }: Config, output: CallOutput): Results => {
  const results: Array<unknown> = []
  const ordered = call.args["stream"] === true
  const parse = jsonParser()
  const longest = resultsBytes(limits.maxOutputBytes)
  let [bytes, cost] = [0, 0]

  /** Whether the limits of all results permit one more. */
  const fits = (body: Buffer) => {
    bytes += body.length
    cost += jsonCost(body, { ...maxJson, cost: maxCost })
    return bytes <= longest && cost <= maxCost
  }

  const take: Results["take"] = ([main, ...pairs], proceed) => {
    if (!ordered && results.length > maxResults) return proceed()
    const bundle = !ordered && results.length === maxResults
      ? { "text/plain": `[a run shows at most ${maxResults} results, further ones are left out]` }
      : bundleOf(pairs, parse)
    const result = { ...bundle, isMainResult: main === "1" }
    const body = Buffer.from(JSON.stringify(result))
    if (!fits(body)) {
      output.stderr.push(Buffer.from(`[a result was left out: those of a run hold ${longest} bytes of JSON]\n`))
      return proceed()
    }
    if (!ordered) return void results.push(result)
    output.emit("result", body)
    output.whenWritable(proceed)
  }
  return { ordered, take, all: () => results }
}

const bundleOf = (pairs: ReadonlyArray<string>, parse: (content: string) => unknown) => {
  const types = pairs.length / 2
  if (types > maxTypes) {
    return { "text/plain": `[a result of ${types} MIME types is left out: at most ${maxTypes} are shown]` }
  }
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
