/** Runs a program as the main program of a process, with its finalizers whenever the process is asked to end. */
import { makeRunMain, type RunMain } from "@effect/platform/Runtime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { closeLostTerminals, onBrokenStreams } from "./standardStreams.js"

export const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

type Signal = keyof typeof exitCodes

const signals = Object.keys(exitCodes) as ReadonlyArray<Signal>

const printError = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** What was thrown may have no text, or one that throws: a second exception would end the process at once. */
const describe = (error: unknown): string => {
  try {
    return error instanceof Error ? error.stack ?? error.message : String(error)
  } catch {
    return `a value without a text, ${typeof error}`
  }
}

/** What happens when nobody reads standard output any more: the program is interrupted, or goes on without it. */
type ClosedOutput = "interrupt" | "ignore"

const makeMain = (closedOutput: ClosedOutput): RunMain =>
  makeRunMain(({ fiber, teardown }) => {
    // A program that waits for a promise or a timer without a reference must not end the process.
    const keepAlive = setInterval(() => {}, 2 ** 30)
    let signalCount = 0
    let exitCode: number | undefined

    const interrupt = (code?: number) => {
      exitCode ??= code
      Effect.runFork(Fiber.interruptFork(fiber))
    }
    const onSignal = (signal: Signal) => {
      interrupt(exitCodes[signal])
      // Closing a terminal sends several: from the kernel, the shell and npm. Nobody insists by them.
      if (signal === "SIGHUP") return
      signalCount += 1
      if (signalCount > 2) process.exit(exitCodes[signal])
      if (signalCount === 2) {
        printError(`${signal} again: still deleting sessions, once more ends the process at once and leaves them`)
      }
    }
    const onCrash = (error: unknown) => {
      interrupt(1)
      printError(`Uncaught: ${describe(error)}`)
    }

    onBrokenStreams(() => closedOutput === "interrupt" && interrupt(), onCrash)
    closeLostTerminals()
    for (const signal of signals) process.on(signal, onSignal)
    process.on("uncaughtException", onCrash)
    process.on("unhandledRejection", onCrash)
    fiber.addObserver((exit) => {
      clearInterval(keepAlive)
      for (const signal of signals) process.off(signal, onSignal)
      teardown(exit, (code) => process.exit(exitCode ?? code))
    })
  })

/** @see NodeAgb.runMain */
export const runMain = makeMain("interrupt")

/** For a server, which works on if whoever started it reads no further than its first lines. */
export const runServer = makeMain("ignore")
