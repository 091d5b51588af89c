/** Waits inside a session until something listens on a port. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type ClientError, MalformedResponseError, ToolError, TransportError } from "../../AgbError.js"
import type { ToolCall } from "../../ToolCall.js"
import { listens, shells, socketTable } from "./shell.js"

/** How long one call waits in the session: well below what a gateway lets a request last. */
const longestWait = Duration.seconds(20)

/** Prints `open`, `waiting`, or `missing` where the kernel lists no sockets. It changes nothing. */
const script = (port: number, seconds: number): string =>
  `[ -r ${socketTable} ] || { echo agb missing; exit 0; }
n=0
while :; do
  if ${listens(port)}; then echo agb open; exit 0; fi
  n=$((n+1)); [ $n -lt ${seconds * 4} ] || { echo agb waiting; exit 0; }
  sleep 0.25 2>/dev/null || { sleep 1; n=$((n+3)); }
done`

const tooLate = (operation: string, port: number, timeout: Duration.Duration) =>
  new TransportError({
    operation,
    reason: "Timeout",
    detail: `nothing listens on port ${port} of the session after ${Duration.format(timeout)}`,
    mayHaveHappened: false,
    retryable: true
  })

export const waitFor = (
  toolCall: ToolCall,
  operation: string,
  port: number,
  timeout: Duration.Duration
): Effect.Effect<void, ClientError | ToolError> =>
  Effect.flatMap(Clock.currentTimeMillis, (start) => {
    const deadline = start + Duration.toMillis(timeout)
    const poll: Effect.Effect<void, ClientError | ToolError> = Effect.gen(function*() {
      const left = deadline - (yield* Clock.currentTimeMillis)
      if (left <= 0) return yield* tooLate(operation, port, timeout)
      const seconds = Math.max(1, Math.min(Duration.toSeconds(longestWait), Math.ceil(left / 1000)))
      const command = script(port, seconds)
      const { stdout } = yield* toolCall.call(shells.safe, { command, timeout_ms: (seconds + 10) * 1000 }, {
        operation,
        timeout: Duration.seconds(seconds + 10)
      })
      const [, state = ""] = /agb (open|waiting|missing)\s*$/.exec(stdout) ?? []
      if (state === "open") return
      if (state === "missing") {
        const detail = `the session has no ${socketTable}, which tells the ports that are open`
        return yield* new ToolError({ operation, tool: "shell", detail })
      }
      if (state === "") {
        const expected = "the state of a port"
        return yield* new MalformedResponseError({
          operation,
          path: "the output of the shell",
          expected,
          mayHaveHappened: false,
          retryable: true
        })
      }
      // A server may answer at once.
      if ((yield* Clock.currentTimeMillis) >= deadline) return yield* tooLate(operation, port, timeout)
      yield* Effect.sleep("250 millis")
      return yield* poll
    })
    return poll
  })
