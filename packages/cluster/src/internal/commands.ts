/** Commands that take effect once: each is a process that its key finds again. */
import * as AgbError from "@effect-agb/core/AgbError"
import type { Command } from "@effect-agb/core/Command"
import type * as Process from "@effect-agb/core/Process"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** Result of a command that exited with an accepted code. */
export class CommandResult extends Schema.Class<CommandResult>("@effect-agb/cluster/CommandResult")({
  exitCode: Schema.Int,
  /** Standard output, or its end. */
  stdout: Schema.String,
  /** Standard error, or its end. */
  stderr: Schema.String,
  /** Whether `stdout` and `stderr` have all of the output. */
  isWhole: Schema.Boolean
}) {}

/** Options of `command`. */
export interface CommandOptions {
  /** Time limit of the command, from its start on, however often it is found again. Default: none. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Absolute working directory. Default: the working directory of the session. */
  readonly cwd?: string | undefined
  /** Environment variables, passed literally. */
  readonly envs?: Readonly<Record<string, string>> | undefined
  /** Exit codes that count as success; any other is a `CommandExitError`. Default: `[0]`. */
  readonly acceptExitCodes?: ReadonlyArray<number> | undefined
  /** How many bytes of the end of each stream the result has, which the engine stores. Default: 65,536. */
  readonly maxOutputBytes?: number | undefined
}

const operation = "AgbWorkflow.command"

/** The end of a stream of bytes. */
class Tail {
  #bytes: Uint8Array = new Uint8Array(0)
  isWhole = true
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  add(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length)
    all.set(this.#bytes)
    all.set(bytes, this.#bytes.length)
    if (all.length > this.#most) this.isWhole = false
    this.#bytes = all.length > this.#most ? all.slice(all.length - this.#most) : all
  }

  /** A character of which the beginning is cut off is left out. */
  get text(): string {
    const start = this.isWhole ? 0 : this.#bytes.findIndex((byte) => (byte & 0xc0) !== 0x80)
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#bytes.subarray(Math.max(0, start)))
  }
}

const outcomeOf = (
  { exitCode, timedOut }: Process.Exit,
  streams: { readonly stdout: Tail; readonly stderr: Tail },
  { acceptExitCodes = [0], timeout = 0 }: CommandOptions
): Effect.Effect<CommandResult, AgbError.AgbError> => {
  const [stdout, stderr] = [streams.stdout.text, streams.stderr.text]
  const isWhole = streams.stdout.isWhole && streams.stderr.isWhole
  if (acceptExitCodes.includes(exitCode)) {
    return Effect.succeed(new CommandResult({ exitCode, stdout, stderr, isWhole }))
  }
  return timedOut
    ? new AgbError.ExecutionTimeoutError({
      operation,
      stdout,
      stderr,
      timeoutMillis: Duration.toMillis(timeout),
      detail: "pass a longer timeout"
    })
    : new AgbError.CommandExitError({ operation, stdout, stderr, exitCode })
}

const checkMost = (most: number): Effect.Effect<number, AgbError.InvalidRequestError> =>
  Number.isSafeInteger(most) && most >= 0 ? Effect.succeed(most) : Effect.fail(
    new AgbError.InvalidRequestError({
      operation,
      field: "maxOutputBytes",
      given: String(most).slice(0, 64),
      expected: "a non-negative integer (bytes)"
    })
  )

/** Starts the process of the key, or finds it, and waits for its end. */
export const run = (
  { startDetached }: Command,
  key: string,
  command: string,
  options: CommandOptions = {}
): Effect.Effect<CommandResult, AgbError.AgbError> =>
  Effect.gen(function*() {
    const { acceptExitCodes: _, maxOutputBytes = 65_536, ...start } = options
    const most = yield* checkMost(maxOutputBytes)
    const process = yield* startDetached(command, { ...start, key })
    const streams = { stdout: new Tail(most), stderr: new Tail(most) }
    yield* Stream.runForEach(process.logs(), ({ bytes, stream }) => Effect.sync(() => streams[stream].add(bytes)))
    return yield* outcomeOf(yield* process.exit, streams, options)
  })
