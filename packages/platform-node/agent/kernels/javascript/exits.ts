/** `process.exit` ends the run and not the kernel; a program's own handlers of uncaught errors are honoured as by Node. */
import type { Session } from "node:inspector"
import type { ErrorReport } from "./errors.js"

/** Stops the executing code at once: nothing in it can catch that, as nothing runs after `process.exit`. */
const stopExecution = (session: Session): never => {
  session.post("Runtime.terminateExecution")
  for (;;) { /* until it takes effect */ }
}

const exitReport = (code: number): ErrorReport => ({
  name: "Exit",
  value: `The code exited with code ${code}`,
  traceback: `Exit: process.exit(${code})`
})

/** `end` ends the run that the executing code belongs to, successfully if there is no error. */
export const replaceExit = (
  session: Session,
  onError: (error: unknown) => void,
  end: (code: number, error: ErrorReport | undefined) => void
) => {
  const exit = (given?: number | string | null): never => {
    const code = Number(given ?? process.exitCode ?? 0) & 255
    process.exitCode = undefined
    // Listeners are called once: one that exits itself finds none.
    const listeners = process.listeners("exit")
    process.removeAllListeners("exit")
    for (const listener of listeners) {
      try {
        listener.call(process, code)
      } catch (error) {
        onError(error)
      }
    }
    end(code, code === 0 ? undefined : exitReport(code))
    return stopExecution(session)
  }
  process.exit = exit
}

type UncaughtEvent = "uncaughtException" | "unhandledRejection"

/** The program has a listener besides the kernel's own. */
const hasOthers = (event: UncaughtEvent) => process.listenerCount(event) > 1

/** Gives an error that ends the code itself to the handlers of the program, if it has any, as Node does. */
export const isHandledByProgram = (error: unknown, rejected?: Promise<unknown>): boolean => {
  if (rejected !== undefined && hasOthers("unhandledRejection")) {
    Reflect.apply(process.emit, process, ["unhandledRejection", error, rejected])
    return true
  }
  if (!hasOthers("uncaughtException")) return false
  Reflect.apply(process.emit, process, [
    "uncaughtException",
    error,
    rejected === undefined ? "uncaughtException" : "unhandledRejection"
  ])
  return true
}

/**
 * Calls `handle` with errors that no handler of the program takes. Called before each run, since programs can remove all
 * listeners.
 */
export const makeUncaught = (handle: (error: unknown) => void) => {
  const onException = (error: unknown) => {
    if (!hasOthers("uncaughtException")) handle(error)
  }
  const onRejection = (reason: unknown) => {
    if (hasOthers("unhandledRejection")) return
    if (!hasOthers("uncaughtException")) return handle(reason)
    Reflect.apply(process.emit, process, ["uncaughtException", reason, "unhandledRejection"])
  }
  return () => {
    if (!process.listeners("uncaughtException").includes(onException)) process.on("uncaughtException", onException)
    if (!process.listeners("unhandledRejection").includes(onRejection)) process.on("unhandledRejection", onRejection)
  }
}
