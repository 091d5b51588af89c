/** What a terminal has written, for tests: collected while it runs, and waited for. */
import type { Terminal } from "@effect-agb/core"
import { Deferred, Effect, type Fiber, type Scope, Stream } from "effect"

export interface Screen {
  /** Waits until the output since the last match matches, and returns that match. */
  readonly until: (pattern: RegExp) => Effect.Effect<RegExpExecArray, Terminal.TerminalFailure>
  readonly bytes: () => Buffer
  readonly ended: Fiber.RuntimeFiber<void, Terminal.TerminalFailure>
}

export const watch = (terminal: Terminal.Terminal): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function*() {
    const pieces: Array<Uint8Array> = []
    let [text, changed] = ["", yield* Deferred.make<void>()]
    const decoder = new TextDecoder()
    const ended = yield* Effect.forkScoped(Stream.runForEach(terminal.output, (bytes) =>
      Effect.gen(function*() {
        pieces.push(bytes)
        text += decoder.decode(bytes, { stream: true })
        const before = changed
        changed = yield* Deferred.make<void>()
        yield* Deferred.succeed(before, undefined)
      })))
    const until: Screen["until"] = (pattern) =>
      Effect.suspend(() => {
        const match = pattern.exec(text)
        if (match !== null) {
          text = text.slice(match.index + match[0].length)
          return Effect.succeed(match)
        }
        return Effect.zipRight(
          Effect.raceFirst(
            Deferred.await(changed),
            Effect.zipRight(ended, Effect.dieMessage(`${pattern} is not in ${JSON.stringify(text)}`))
          ),
          until(pattern)
        )
      })
    return { until, ended, bytes: () => Buffer.concat(pieces) }
  })
