/** Which file has registered a listener of the process: the program's, a package's, or Node itself. */
import type { EventEmitter } from "node:events"

const events: ReadonlySet<string | symbol> = new Set(["beforeExit", "exit", "uncaughtException", "unhandledRejection"])

const files = new WeakMap<object, string>()

/** Once-listeners are wrapped. */
const originalOf = (listener: object) =>
  "listener" in listener && typeof listener.listener === "function" ? listener.listener : listener

/** Its path, or a name that begins with `node:`. */
export const registrantOf = (listener: object) => files.get(originalOf(listener)) ?? ""

/** Such as a listener of `node:test`. */
export const isOfNode = (listener: object) => registrantOf(listener).startsWith("node:")

const onNewListener = (event: string | symbol, listener: object) => {
  if (events.has(event)) files.set(listener, callerOf(new Error().stack ?? ""))
}

/** The file of the first frame outside of the event emitter. */
const callerOf = (stack: string) => {
  const frame = stack.split("\n").find((line) => /^\s+at /.test(line) && !line.includes("node:events:"))
  return /(?:file:\/\/)?((?:node:|\/)[^()]*?):\d+:\d+\)?$/.exec(frame ?? "")?.[1] ?? ""
}

/** Called before each run, since programs can remove all listeners. */
export const watchListeners = () => {
  const emitter: EventEmitter = process
  if (!emitter.listeners("newListener").includes(onNewListener)) emitter.on("newListener", onNewListener)
}
