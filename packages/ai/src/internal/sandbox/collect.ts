/** Commands without a time limit of their own, and with bounded output. */
import { ExecutionTimeoutError } from "@effect-agb/core/AgbError"
import type { Command, ExecuteCommandError, ExecuteCommandOptions, Exited } from "@effect-agb/core/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** In characters, of each stream. */
const maxOutput = 8 * 2 ** 20

class Output {
  #text = ""
  #omitted = 0

  add(text: string): void {
    this.#text += text
    if (this.#text.length <= 2 * maxOutput) return
    this.#omitted += this.#text.length - maxOutput
    this.#text = this.#text.slice(-maxOutput)
  }

  toString(): string {
    return this.#omitted === 0 ? this.#text : `[${this.#omitted} characters left out]\n${this.#text}`
  }
}

export interface Collected {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

type Listener = (stream: "Stdout" | "Stderr", text: string) => void

/** With every exit code accepted, a command that was stopped at its limit ends like one that was killed. */
const timedOut = (timeout: Duration.DurationInput, texts: Pick<Collected, "stdout" | "stderr">) =>
  new ExecutionTimeoutError({
    ...texts,
    operation: "Command.executeCommandStream",
    requestId: undefined,
    timeoutMillis: Duration.toMillis(timeout),
    detail: "pass a longer timeout"
  })

const anyCode = Array.from({ length: 256 }, (_, code) => code)

/** As a process of the session, so that it may take as long as it does and no lost connection loses its output. */
export const collect = (
  { executeCommandStream }: Command,
  command: string,
  { timeout = Duration.days(1), ...options }: Pick<ExecuteCommandOptions, "cwd" | "envs" | "timeout">,
  listener: Listener = () => {}
): Effect.Effect<Collected, ExecuteCommandError> =>
  Effect.gen(function*() {
    const output = { Stdout: new Output(), Stderr: new Output() }
    let end: Exited | undefined
    yield* executeCommandStream(command, { timeout, ...options, acceptExitCodes: anyCode }).pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          if (event._tag === "Exited") {
            end = event
            return
          }
          output[event._tag].add(event.text)
          listener(event._tag, event.text)
        })
      )
    )
    const texts = { stdout: output.Stdout.toString(), stderr: output.Stderr.toString() }
    if (end === undefined || end.timedOut) return yield* timedOut(timeout, texts)
    return { ...texts, exitCode: end.exitCode, durationMs: Duration.toMillis(end.duration) }
  })
