/** Runs a program as the main program of a process, with its finalizers whenever the process is asked to end. */
import { makeRunMain, type RunMain } from "@effect/platform/Runtime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

type Signal = keyof typeof exitCodes

const signals = Object.keys(exitCodes) as ReadonlyArray<Signal>

const printError = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** @see NodeAgb.runMain */
export const runMain: RunMain = makeRunMain(({ fiber, teardown }) => {
  // A program that waits for a promise or a timer without a reference must not end the process.
  const keepAlive = setInterval(() => {}, 2 ** 30)
  let signalCount = 0
  let exitCode: number | undefined

  const interrupt = (code: number) => {
    exitCode ??= code
    Effect.runFork(Fiber.interruptFork(fiber))
  }
  const onSignal = (signal: Signal) => {
    signalCount += 1
    if (signalCount === 2) {
      printError(`${signal} again: still deleting sessions, once more ends the process at once and leaves them`)
    }
    if (signalCount > 2) process.exit(exitCodes[signal])
    interrupt(exitCodes[signal])
  }
  const onCrash = (error: unknown) => {
    printError(`Uncaught: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    interrupt(1)
  }

  for (const signal of signals) process.on(signal, onSignal)
  process.on("uncaughtException", onCrash)
  process.on("unhandledRejection", onCrash)
  fiber.addObserver((exit) => {
    clearInterval(keepAlive)
    for (const signal of signals) process.off(signal, onSignal)
    teardown(exit, (code) => process.exit(exitCode ?? code))
  })
})
