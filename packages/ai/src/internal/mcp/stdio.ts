/** The server over the standard streams of its process. */
import * as Effect from "effect/Effect"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"

/** Standard input of this process, on Node. Its own iterator could not be interrupted while it waits. */
export const stdin: Stream.Stream<Uint8Array> = Stream.asyncPush<Uint8Array>((emit) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const add = (chunk: Uint8Array) => void emit.single(chunk)
      const end = () => emit.end()
      process.stdin.on("data", add).on("end", end).on("close", end).on("error", end)
      return () => process.stdin.pause().off("data", add).off("end", end).off("close", end).off("error", end)
    }),
    (remove) => Effect.sync(remove)
  ), { bufferSize: "unbounded" })

/** Waits for a slow reader. A reader that is gone is no error: the end of standard input tells of it. */
const write = (data: Uint8Array | string): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    process.stdout.write(data, () => resume(Effect.void))
  })

const ignore = () => {}

/** Node ends a process whose output breaks and has no listener. */
const listenForBrokenOutput = Effect.acquireRelease(
  Effect.sync(() => void process.stdout.on("error", ignore)),
  () => Effect.sync(() => void process.stdout.off("error", ignore))
)

/** Standard output of this process, on Node. */
export const stdout: Sink.Sink<void, Uint8Array | string> = Sink.unwrapScoped(
  Effect.as(listenForBrokenOutput, Sink.forEach(write))
)
