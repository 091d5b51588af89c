/** Code: one long-lived kernel per language, one run at a time in each, replaced when it has died. */
import { weightOf } from "../../src/internal/agentWire/jsonLimits.js"
import type { Agent, Call, Reply } from "../operation.js"
import { type CallOutput, makeCallOutput } from "../process/capture.js"
import { describeExit, limitTime } from "../process/processes.js"
import { count, text } from "../wire/args.js"
import { maxBodyBytes } from "../wire/connection.js"
import { Failure } from "../wire/failure.js"
import { type Kernel, type OnResult, startKernel } from "./kernelProcess.js"
import { type Interpreter, interpreterOf } from "./languages.js"

/** How long an interrupted run may take to give in before its kernel is killed. */
const graceMs = 1000

/** The results of a run share one frame with each other. */
const maxResultsBytes = maxBodyBytes / 2

/**
 * The JSON in the results of a run; what is more is given as text. A client can be expected to nest as deep as this.
 */
const mostJson = { depth: 90, weight: 2 ** 20 }

type Run = (call: Call) => Promise<Reply>

export const makeKernels = (agent: Agent): Run => {
  const lanes = new Map<string, Run>()

  return async (call) => {
    const language = text(call.args, "language")
    const interpreter = interpreterOf(language, agent.config)
    const lane = lanes.get(language) ?? makeLane(interpreter, agent)
    lanes.set(language, lane)
    return lane(call)
  }
}

/** The runs of one language, one after the other. */
const makeLane = (interpreter: Interpreter, agent: Agent): Run => {
  let current: Kernel | undefined
  let lost = false
  let runs = 0
  let turn: Promise<unknown> = Promise.resolve()

  const kernel = async (signal: AbortSignal) => {
    if (current !== undefined) return current
    const started = await startKernel(interpreter, agent, signal)
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
    return supervise(running, call, output, results, { executionCount: ++runs, kernelRestarted })
  }

  return (call) => {
    const result = turn.then(() => run(call))
    turn = result.catch(() => undefined)
    return result
  }
}

/** One run with its time limit: an interrupt first, which keeps the state, and then the end of the kernel. */
const supervise = async (
  kernel: Kernel,
  call: Call,
  output: CallOutput,
  results: Results,
  facts: { readonly executionCount: number; readonly kernelRestarted: boolean }
): Promise<Reply> => {
  const code = text(call.args, "code")
  const started = performance.now()
  let grace: ReturnType<typeof limitTime> | undefined
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

/** The last reply of a run: done, its number, "1" if it failed, and name, value and traceback of the error. */
const errorOf = ([, , failed, name = "", value = "", traceback = ""]: ReadonlyArray<string>) =>
  failed === "1" ? { name, value, traceback } : null

type Results = OnResult & { readonly all: () => ReadonlyArray<unknown> }

/**
 * Collects what a run shows, or passes it on as it comes if the host asked for that: an event whose body is the result as
 * JSON. Each result is "1" if it is the value of the code, and the types and contents of its representations.
 */
const makeResults = (call: Call, output: CallOutput): Results => {
  const results: Array<unknown> = []
  const ordered = call.args["stream"] === true
  const parsed = jsonParser()
  let bytes = 0

  const take: Results["take"] = ([main, ...pairs], proceed) => {
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

/** Types and contents, one after the other; what is JSON arrives as text. */
const bundleOf = (pairs: ReadonlyArray<string>, parsed: (content: string) => unknown) => {
  const bundle: Record<string, unknown> = {}
  for (let at = 0; at < pairs.length; at += 2) {
    const [type = "", content = ""] = pairs.slice(at, at + 2)
    bundle[type] = /[/+]json$/.test(type) ? parsed(content) : content
  }
  return bundle
}

/** JSON, or the text itself where it is none, since Python writes NaN, and where all of it together is too much. */
const jsonParser = () => {
  let { weight: left } = mostJson
  return (content: string) => {
    const weight = weightOf(Buffer.from(content), { ...mostJson, weight: left })
    if (weight === Infinity) return content
    left -= weight
    try {
      return JSON.parse(content) as unknown
    } catch {
      return content
    }
  }
}
