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
import timers from "node:timers"
import { inspect, types } from "node:util"
import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads"
import { decodeFields, encodeFields, lines } from "../../../src/internal/agentWire/fields.js"
import { nameProcess } from "../../process/processName.js"
import {
  beginRun,
  endRun,
  inTurn,
  isOfEndedRun,
  mendImmediates,
  resumeRun,
  stopRun,
  strayRun,
  trackTimers,
  unfinishedWork
} from "./activity.js"
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
import { isHandledByProgram, makeUncaught, replaceExit } from "./exits.js"
import { clearModuleCache, freeGlobals, prepareGlobals, writeAll, writeStray } from "./globals.js"
import { giveUp, keepLoop, mayEnd, releaseLoop, watchLoop } from "./loopEnd.js"
import { defineNavigator } from "./navigator.js"
import { giveOwnCode } from "./ownFile.js"
import { dropExitListeners, dropListeners, emitBeforeExit, emitExit, hasExitListeners } from "./programEnd.js"
import { watchListeners } from "./registrants.js"
import { countThreads } from "./resources.js"
import {
  failsToParse,
  isScript,
  looksLikeTypeScript,
  mayBeTyped,
  withoutModuleSyntax,
  wrapObjectLiteral
} from "./syntax.js"
import type { SyntaxFault } from "./syntaxFault.js"
import { type Stripped, stripTypes } from "./typeScript.js"

const maxRequestBytes = 64 * 1024 * 1024

/** How long what a run has started may take after the code itself is done. */
const lingerMs = 2000

const longestPauseMs = 25

/** Before they are tracked. */
const { setImmediate: setTurn, setTimeout: setTimer } = timers

const exitKernel = process.exit.bind(process)

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

interface Running {
  readonly count: string
  readonly limit: number
  /** Set once the code itself is done: ends the run without waiting for what it has started. */
  readonly conclude?: (isEarly: boolean) => void
  /** Set once the program dies of an error. */
  readonly failure?: ErrorReport
}

let current: Running | undefined

/** What was evaluated last, without types. */
let evaluated = ""

/**
 * Ends the run, unless it has ended already. `result` consists of pairs of MIME type and content. `isEarly` tells that the
 * run was asked to end after the code itself was done.
 */
const finish = (count: string, given: ErrorReport | undefined, result?: ReadonlyArray<string>, isEarly = false) => {
  if (current?.count !== count) return
  const { failure: error = given, limit } = current
  current = undefined
  keepLoop()
  endRun()
  dropExitListeners()
  session.post("Runtime.releaseObjectGroup", { objectGroup: "run" })
  const outcome = error === undefined
    ? ["0", "", "", "", isEarly ? "1" : "0"]
    : ["1", error.name, error.value, error.traceback]
  const results = result === undefined ? [] : [["result", count, "0", "1", ...result]]
  reply(
    ...[...results, ["done", count, ...outcome]].map((fields) => fields.map((field) => String(field).slice(0, limit)))
  )
}

/**
 * The code itself is done: gives timers, requests and the like that it has started a moment, so that their output and their
 * errors belong to this run, and tells what is still going on then. If nothing is, the run ends as a program does.
 */
const finishWork = (count: string, result?: ReadonlyArray<string>) => {
  if (current?.count !== count) return
  const deadline = performance.now() + lingerMs
  const unfinished = () => unfinishedWork(deadline, hasExitListeners())
  /** Whether listeners of `beforeExit` have been called, and have started nothing. */
  let isTold = false
  const conclude = (isEarly: boolean, unlisted = "") => {
    const description = unfinished().description || unlisted
    if (description !== "") writeAll(2, Buffer.from(`[still going on: ${description}]\n`))
    const isProgram = description === "" && hasExitListeners()
    finish(count, isProgram ? resumeRun(() => emitExit()) : undefined, result, isEarly)
  }
  const end = () => {
    if (current?.count !== count) return
    if (isTold || !tellBeforeExit(count)) return conclude(false)
    isTold = true
    releaseLoop(end, nextTurn)
    nextTurn(() => check(1, true))
  }
  const check = (pauseMs: number, isIdle: boolean) => {
    if (current?.count !== count) return
    const { description, isBrief } = unfinished()
    isTold &&= !isBrief
    if (isBrief) setTimer(() => check(Math.min(pauseMs * 2, longestPauseMs), false), pauseMs).unref()
    // Between two steps of one piece of work nothing may be active for a turn.
    else if (!isIdle) nextTurn(() => check(pauseMs, true))
    else if (description !== "") conclude(false)
    else if (!mayEnd()) end()
    else if (performance.now() < deadline) setTimer(() => check(pauseMs, true), lingerMs).unref()
    else {
      giveUp()
      conclude(false, inThreads)
    }
  }
  current = { ...current, conclude }
  releaseLoop(end, nextTurn)
  setTurn(() => check(1, false))
}

const inThreads = "work in threads of Node"

/** Listeners are called by a timer: Node survives it when they exit there. */
const nextTurn = (body: () => void) => void (hasExitListeners() ? nextTimer(body) : setTurn(body))

const nextTimer = (body: () => void) => void setTimer(body, 0).unref()

/** Whether there was somebody to tell. */
const tellBeforeExit = (count: string) => {
  try {
    return resumeRun(emitBeforeExit)
  } catch (error) {
    dropListeners("beforeExit")
    fail(count, describeError(error), error)
    return true
  }
}

/** The program dies of an error, which stays what ends the run, whatever its listeners of `exit` do. */
const die = (count: string, report: ErrorReport, stop: () => void = () => {}) => {
  if (current?.count !== count) return
  current = { ...current, failure: report }
  const other = hasExitListeners() ? resumeRun(() => emitExit(1)) : undefined
  if (other !== undefined && other.name !== "Exit") writeAll(2, Buffer.from(`Uncaught ${other.traceback}\n`))
  stop()
  finish(count, report)
}

/**
 * Ends a run from outside; `wasExecuting` tells whether code was stopped for that. If something it has started could resume
 * it later and cannot be stopped, the kernel dies.
 */
const endInterrupted = (count: string, wasExecuting: boolean) => {
  if (current?.count !== count) return
  if (current.conclude !== undefined && !wasExecuting) return current.conclude(true)
  if (stopRun()) return finish(count, interrupted)
  current = undefined
  process.kill(process.pid, "SIGKILL")
}

/** The code itself has failed, which a handler of the program may take. */
const fail = (count: string, report: ErrorReport, error: unknown, rejected?: Promise<unknown>) => {
  if (current?.count !== count) return
  try {
    if (isHandledByProgram(error, rejected)) finishWork(count)
    else die(count, report)
  } catch (raised) {
    die(count, describeError(raised))
  }
}

const show = (count: string, value: unknown) => {
  if (value === undefined) return finishWork(count)
  try {
    finishWork(count, displayBundle(value))
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

/** Node would end such a program. A later part of it may be waited for, so the run goes on until its time is over. */
const tellUnsettled = () => {
  keepLoop()
  writeAll(2, Buffer.from("[nothing is going on that could settle the promise which this waits for]\n"))
}

const run = (line: string) => {
  const [, count = "", , limit = "", code = ""] = decodeFields(line)
  current = { count, limit: Number(limit) }
  watchListeners()
  listenForUncaught()
  releaseLoop(tellUnsettled, nextTimer)
  const typed = looksLikeTypeScript(code) ? stripTypes(code) : undefined
  beginRun(count, () => {
    if (typed !== undefined && "code" in typed) return evaluateStripped(count, typed)
    evaluate(count, code, false, (fault, report) => {
      if (returns(report, code)) evaluateBody(count, code, report)
      else evaluateTyped(count, code, fault, report)
    })
  })
}

/** Receives where code does not parse, and the report of that. None of the code has run. */
type OnSyntaxError = (fault: SyntaxFault, report: ErrorReport) => void

/** Code that is not JavaScript may be TypeScript. If it is neither, that parser gives the error which got further, if types may be why. */
const evaluateTyped = (count: string, code: string, fault: SyntaxFault, report: ErrorReport) => {
  const typed = stripTypes(code)
  if ("code" in typed) return typed.code === code ? finish(count, report) : evaluateStripped(count, typed)
  const further = typed.line - fault.line || typed.column - fault.column
  finish(count, further > 0 && mayBeTyped(code, fault) ? describeSyntaxError(`run-${count}`, code, typed) : report)
}

/** Whether the code returns outside of functions, so that none of it has run; code that has run may have met the same error. */
const returns = ({ name, traceback, value }: ErrorReport, code: string) =>
  name === "SyntaxError" && value === "Illegal return statement" && !/^\s+at /m.test(traceback) && !isScript(code)

/** Node takes a program for the body of a function, which may return. What it declares is not kept. */
const evaluateBody = (count: string, code: string, report: ErrorReport) =>
  evaluate(count, `await (async () => {${code}\n})()`, false, () => finish(count, report), code)

const evaluateStripped = (count: string, { code, map }: Stripped) => {
  if (map !== undefined) mapLines(`run-${count}`, map)
  evaluate(count, code, true, (_, report) => finish(count, report))
}

/** Whether an earlier run has declared the name. */
const isKnown = (name: string) => {
  let isLexical = false
  session.post("Runtime.globalLexicalScopeNames", (_: Error | null, { names }: { names: Array<string> }) => {
    isLexical = names.includes(name)
  })
  return isLexical || name in globalThis
}

const evaluate = (count: string, code: string, isTyped: boolean, onSyntaxError: OnSyntaxError, source = code) => {
  const name = `run-${count}`
  evaluated = source
  const script = withoutModuleSyntax(code, { isTyped, isKnown })
  if (typeof script !== "string") return onSyntaxError(script, describeSyntaxError(name, code, script))
  const expression = wrapObjectLiteral(script)
  const options = {
    expression: `${expression}\n//# sourceURL=${name}`,
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
      const report = describeException(fault, name, code)
      const isUnparsed = fault.exception?.className === "SyntaxError" &&
        (failsToParse(expression) || returns(report, code))
      if (!isUnparsed) return fail(count, report, fault.exception === undefined ? undefined : valueOf(fault.exception))
      return onSyntaxError({ message: report.value, line: fault.lineNumber, column: fault.columnNumber }, report)
    }
    const value = valueOf(result)
    if (!types.isPromise(value)) return show(count, value)
    value.then((settled) => show(count, settled), (error) => fail(count, describeError(error), error, value))
  })
}

/** Returns the thread. */
const startInterruptThread = () => {
  const options: WorkerOptions = {
    env: SHARE_ENV,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 }
  }
  const worker = new Worker(join(__dirname, "interruptThread.cjs"), options)
  worker.on("message", ({ interrupt, ping, wasExecuting }) => {
    if (ping !== undefined) worker.postMessage(ping)
    else endInterrupted(interrupt, wasExecuting)
  })
  return worker
}

const tellUncaught = (error: unknown) => writeAll(2, Buffer.from(`Uncaught ${describeError(error).traceback}\n`))

/** An uncaught error ends the run that it belongs to, as it would end a program. */
const onUncaught = (error: unknown) => {
  if (mendImmediates(error)) return
  const report = describeError(error)
  if (current === undefined || !isOfRun(report, `run-${current.count}`)) {
    return tellUncaught(error)
  }
  die(current.count, report, stopRun)
}

/** What a run has left behind ends neither the kernel nor another run. */
const onExit = (code: number) => {
  const stray = strayRun()
  if (stray !== undefined) return writeStray(stray, `process.exit(${code})`)
  if (current === undefined || isOfEndedRun()) return
  const error = emitExit(code)
  stopRun()
  finish(current.count, error)
}

const listenForUncaught = makeUncaught(onUncaught)

nameProcess("agb-javascript")
clearModuleCache()
const file = prepareGlobals(strayRun)
defineNavigator()
freeGlobals()
hideKernelFrames()
trackTimers()
replaceExit(session, onExit)
listenForUncaught()
const interrupts = startInterruptThread()
countThreads(interrupts)
giveOwnCode(file, () => evaluated)
const requests = new Socket({ fd: 3, readable: true, writable: false })
watchLoop(requests, interrupts)
// After the poll for events, so that timers which are due come before immediates, as they do for the main module of Node.
requests.on("data", lines(maxRequestBytes, (line) => inTurn(() => run(line)), () => exitKernel(1)))
requests.on("close", () => exitKernel(0))
reply(["ready"])
