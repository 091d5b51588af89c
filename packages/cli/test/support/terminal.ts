/** A shell on a terminal, in which `agb` is started as a person does: a terminal of the session itself. */
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { assert } from "@effect/vitest"
import { Effect, Exit, Layer, Scope, Stream } from "effect"
import { type Server, until as untilGood } from "./agb.js"

export interface TerminalScreen {
  readonly type: (text: string) => Promise<void>
  readonly resize: (columns: number, rows: number) => Promise<void>
  /** Waits until the output since the last match matches. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly close: () => Promise<void>
}

export const openTerminal = async ({ env }: Server, sessionId: string): Promise<TerminalScreen> => {
  const agb = NodeAgb.layer({ endpoint: env["AGB_ENDPOINT"], apiKey: env["AGB_API_KEY"] ?? "" })
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(agb, scope))
  let text = ""
  const decoder = new TextDecoder()
  const terminal = await Effect.runPromise(
    Effect.gen(function*() {
      const { terminal } = yield* Session.attach(sessionId)
      const shell = yield* terminal.open("exec bash --norc --noediting", {
        columns: 100,
        rows: 30,
        envs: { ...env, PS1: "$ " }
      })
      yield* Effect.forkScoped(Stream.runForEach(shell.output, (bytes) =>
        Effect.sync(() => {
          text += decoder.decode(bytes, { stream: true })
        })))
      return shell
    }).pipe(Effect.provide(context), Scope.extend(scope))
  )
  const until = async (pattern: RegExp) => {
    const match = await untilGood(async () => pattern.exec(text), (found) => found !== null).catch(() => null)
    if (match === null) return assert.fail(`${pattern} is not in ${JSON.stringify(text)}`)
    text = text.slice(match.index + match[0].length)
    return match
  }
  return {
    type: (data) => Effect.runPromise(terminal.write(data)),
    resize: (columns, rows) => Effect.runPromise(terminal.resize(columns, rows)),
    until,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
