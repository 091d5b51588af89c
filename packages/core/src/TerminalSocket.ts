/**
 * A terminal as the platform's `Socket`. It is not part of the index, since the declarations of `Socket` need those of the DOM:
 * import it from `@effect-agb/core/TerminalSocket`.
 *
 * @since 0.1.0
 */
import * as Socket from "@effect/platform/Socket"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Terminal } from "./Terminal.js"

/** The write side of a terminal closes as its window would. */
const close = ({ kill }: Terminal) => kill("SIGHUP")

/**
 * The platform's `Socket` over a terminal. `run` and `runRaw` pass on the output in order and read no further while the handler is
 * at work; they end when the command has ended, whatever its exit code. A `CloseEvent` that is written hangs up: SIGHUP.
 * `Socket.toChannel` does not wait for its reader: prefer `Terminal.output` where the reader may be slow.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (terminal: Terminal): Socket.Socket => {
  const run: Socket.Socket["run"] = (handler, options) => {
    const read = Stream.runForEach(
      Stream.mapError(terminal.output, (cause) => new Socket.SocketGenericError({ reason: "Read", cause })),
      (bytes) => handler(bytes) ?? Effect.void
    )
    return options?.onOpen === undefined ? read : Effect.zipRight(options.onOpen, read)
  }
  return {
    [Socket.TypeId]: Socket.TypeId,
    run,
    runRaw: run,
    writer: Effect.succeed((chunk) =>
      Effect.mapError(
        Socket.isCloseEvent(chunk) ? close(terminal) : terminal.write(chunk),
        (cause) => new Socket.SocketGenericError({ reason: "Write", cause })
      )
    )
  }
}
