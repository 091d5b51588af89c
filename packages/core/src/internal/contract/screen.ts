/** What a terminal has written: collected while it runs, and waited for. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Terminal from "../../Terminal.js"
import { concat } from "../wire/text/bytes.js"

export interface Screen {
  /** Waits until the output since the last match matches, and returns that match. */
  readonly until: (pattern: RegExp) => Effect.Effect<RegExpExecArray, Terminal.TerminalFailure>
  readonly bytes: () => Uint8Array
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
    return { until, ended, bytes: () => concat(pieces) }
  })
