/** `process.exit` ends the run and not the kernel; a program's own handlers of uncaught errors are honoured as by Node. */
import type { Session } from "node:inspector"
import { exitCode } from "./programEnd.js"
import { isOfNode } from "./registrants.js"

/** Stops the executing code at once: nothing in it can catch that, as nothing runs after `process.exit`. */
const stopExecution = (session: Session): never => {
  session.post("Runtime.terminateExecution")
  for (;;) { /* until it takes effect */ }
}

/** `end` ends the run that the executing code belongs to. */
export const replaceExit = (session: Session, end: (code: number) => void) => {
  const exit = (given?: number | string | null): never => {
    end(exitCode(given))
    return stopExecution(session)
  }
  process.exit = exit
}

type UncaughtEvent = "uncaughtException" | "unhandledRejection"

/** The kernel's own listeners. */
const own = new Set<unknown>()

/** The program has a listener. One of Node, as of `node:test`, knows only errors of its own. */
const hasOthers = (event: UncaughtEvent) =>
  process.rawListeners(event as "exit").some((listener) => !own.has(listener) && !isOfNode(listener))

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

/** Without them the next uncaught error would end the kernel. */
const keepListeners = (listen: () => void) => {
  const { removeAllListeners, removeListener } = process
  const remove: typeof removeListener = (event, listener) =>
    own.has(listener) ? process : Reflect.apply(removeListener, process, [event, listener])
  Object.assign(process, {
    removeListener: remove,
    off: remove,
    removeAllListeners: (...events: [string?]) => {
      Reflect.apply(removeAllListeners, process, events)
      listen()
      return process
    }
  })
}

/**
 * Calls `handle` with errors that no handler of the program takes. A program that removes all listeners
 * removes its own alone.
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
  // An interrupt stops the code by other means.
  const kept = { uncaughtException: onException, unhandledRejection: onRejection, SIGINT: () => {} }
  for (const listener of Object.values(kept)) own.add(listener)
  const listen = () => {
    for (const [event, listener] of Object.entries(kept)) {
      if (!process.listeners(event as "exit").includes(listener)) process.on(event, listener)
    }
  }
  keepListeners(listen)
  return listen
}
