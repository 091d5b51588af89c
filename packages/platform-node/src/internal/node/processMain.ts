/** Running a program as the whole process such that its finalizers run however the process is asked to end. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

type Signal = keyof typeof exitCodes

const signals = Object.keys(exitCodes) as ReadonlyArray<Signal>

const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

const codeOf = <A, E>(exit: Exit.Exit<A, E>): number =>
  Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause) ? 0 : 1

/** @see NodeAgb.runMain */
export const runMain = <A, E>(program: Effect.Effect<A, E>): void => {
  const logged = Effect.tapErrorCause(
    program,
    (cause) => Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logError(cause)
  )
  const fiber = Effect.runFork(logged)
  // An unreferenced promise does not keep the process alive, and a program that waits for nothing else must not end it.
  const alive = setInterval(() => {}, 2 ** 30)
  let asked = 0
  let wanted: number | undefined

  const end = (code: number) => {
    wanted ??= code
    Effect.runFork(Fiber.interruptFork(fiber))
  }
  const onSignal = (signal: Signal) => {
    asked += 1
    if (asked === 2) say(`${signal} again: still deleting sessions, once more ends the process at once and leaves them`)
    if (asked > 2) process.exit(exitCodes[signal])
    end(exitCodes[signal])
  }
  const onCrash = (error: unknown) => {
    say(`Uncaught: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    end(1)
  }

  for (const signal of signals) process.on(signal, onSignal)
  process.on("uncaughtException", onCrash)
  process.on("unhandledRejection", onCrash)
  fiber.addObserver((exit) => {
    clearInterval(alive)
    for (const signal of signals) process.off(signal, onSignal)
    process.exit(wanted ?? codeOf(exit))
  })
}
