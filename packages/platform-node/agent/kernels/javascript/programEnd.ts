/**
 * The end of a run as the end of a program: Node's events `beforeExit` and `exit`, for programs that report or clean up then,
 * such as test runners. What Node itself does at the end of the process is left to that.
 */
import { describeError, type ErrorReport } from "./errors.js"
import { isOfNode, registrantOf } from "./registrants.js"

type EndEvent = "beforeExit" | "exit"

type Listener = (...args: ReadonlyArray<unknown>) => unknown

const listenersOf = (event: EndEvent) => process.rawListeners(event).filter((listener) => !isOfNode(listener))

export const exitCode = (given?: number | string | null) => Number(given ?? process.exitCode ?? 0) & 255

/** Whether the program has something to do at its end. */
export const hasExitListeners = () => listenersOf("exit").length + listenersOf("beforeExit").length > 0

/** What was to be done at the end of a run is not done at that of another. */
export const dropExitListeners = () => {
  dropListeners("beforeExit")
  dropListeners("exit")
  process.exitCode = undefined
}

export const dropListeners = (event: EndEvent) => {
  for (const listener of listenersOf(event)) process.removeListener(event, listener as Listener)
}

/** Whether there are listeners: they may start new work, after which they are called again. Throws what they throw. */
export const emitBeforeExit = (): boolean => {
  const listeners = listenersOf("beforeExit")
  for (const listener of listeners) Reflect.apply(listener, process, [exitCode()])
  return listeners.length > 0
}

/**
 * Calls the listeners of the end, as Node does when a program has nothing left to do or dies. Each is called once: one that
 * exits itself finds none. Returns the error that the exit code stands for, or what a listener has thrown.
 */
export const emitExit = (code = exitCode()): ErrorReport | undefined => {
  const listeners = listenersOf("exit")
  forgetModules([...listeners, ...listenersOf("beforeExit")])
  dropExitListeners()
  process.exitCode = code
  try {
    for (const listener of listeners) Reflect.apply(listener, process, [code])
    const last = exitCode()
    return last === 0 ? undefined : exitReport(last)
  } catch (error) {
    return describeError(error)
  } finally {
    process.exitCode = undefined
  }
}

const exitReport = (code: number): ErrorReport => ({
  name: "Exit",
  value: `The code exited with code ${code}`,
  traceback: `Exit: process.exit(${code})`
})

/** A package whose program has ended may do nothing any more, like `tape`: later runs that require it load it anew. */
const forgetModules = (listeners: ReadonlyArray<object>) => {
  const folders = listeners.flatMap((listener) => packageFolder(registrantOf(listener)) ?? [])
  for (const name of Object.keys(require.cache)) {
    if (folders.some((folder) => name.startsWith(folder))) delete require.cache[name]
  }
}

const packageFolder = (file: string) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(file)?.[0]
