/** This terminal in raw mode: keys arrive as they are typed, Ctrl-C among them. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { Modes } from "./modes.js"

const { stdin, stdout } = process

const enter = (keys: Queue.Enqueue<Buffer>, sizes: Queue.Enqueue<void>) => {
  const modes = new Modes()
  const onData = (bytes: Buffer) => void keys.unsafeOffer(bytes)
  const onResize = () => void sizes.unsafeOffer(undefined)
  const restore = () => {
    const reset = modes.reset()
    if (reset !== "") stdout.write(reset)
    stdin.setRawMode(false)
  }
  stdin.setRawMode(true)
  stdin.on("data", onData)
  stdout.on("resize", onResize)
  // Also where the process ends without its finalizers.
  process.once("exit", restore)
  const leave = () => {
    process.off("exit", restore)
    stdin.off("data", onData)
    stdout.off("resize", onResize)
    stdin.pause()
    restore()
  }
  return { modes, leave }
}

/** In raw mode until the end of the scope, which also takes back what the other side has switched on. */
export const rawTerminal = Effect.gen(function*() {
  const keys = yield* Queue.unbounded<Buffer>()
  // Of several changes only the last counts.
  const sizes = yield* Queue.sliding<void>(1)
  const { modes } = yield* Effect.acquireRelease(
    Effect.sync(() => enter(keys, sizes)),
    ({ leave }) => Effect.sync(leave)
  )
  return { keys, sizes, show: (bytes: Uint8Array) => Effect.sync(() => modes.read(bytes)) }
})
