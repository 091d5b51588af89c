/** `agb ps`, `agb logs` and `agb kill`: processes that were left running in a session. */
import type * as Process from "@effect-agb/core/Process"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { constants } from "node:os"
import { UsageError } from "../failure.js"
import { printChunks, printJson, printTable } from "../output/write.js"
import { inExisting } from "../session/backend.js"
import * as options from "../session/options.js"

const stateOf = ({ exit, isLost }: Process.ProcessSummary): string => {
  if (isLost) return "lost"
  return Option.match(exit, {
    onNone: () => "running",
    onSome: ({ exitCode, signal }) => Option.getOrElse(signal, () => `exited ${exitCode}`)
  })
}

const toJson = (summary: Process.ProcessSummary) => ({
  process: summary.key,
  state: summary.isLost ? "lost" : Option.isNone(summary.exit) ? "running" : "exited",
  ...Option.match(summary.exit, {
    onNone: () => ({}),
    onSome: ({ duration, exitCode, signal }) => ({
      exitCode,
      signal: Option.getOrNull(signal),
      durationMillis: Duration.toMillis(duration)
    })
  })
})

export const ps = Command.make(
  "ps",
  { session: options.sessionId, ...options.existing },
  (given) =>
    inExisting(given, given.session, ({ command }) =>
      Effect.flatMap(command.listProcesses, (processes) =>
        given.json
          ? Effect.forEach(processes, (summary) => printJson(toJson(summary)), { discard: true })
          : printTable(["PROCESS", "STATE"], processes.map((summary) => [summary.key, stateOf(summary)]))))
).pipe(
  Command.withDescription(
    "Lists the processes of a session that were started with agb exec --detach, and how they ended."
  )
)

const logsConfig = {
  session: options.sessionId,
  process: options.processKey,
  follow: Options.boolean("follow").pipe(
    Options.withAlias("f"),
    Options.withDescription("goes on until the process ends")
  ),
  ...options.existing
}

export const logs = Command.make(
  "logs",
  logsConfig,
  (given) =>
    inExisting(given, given.session, ({ command }) =>
      Effect.flatMap(
        command.attach(given.process),
        (process) => Stream.runForEach(process.logs(undefined, { follow: given.follow }), printChunks(given.json))
      ))
).pipe(Command.withDescription("Prints what a process has written so far."))

const killConfig = {
  session: options.sessionId,
  process: options.processKey,
  signal: Options.text("signal").pipe(
    Options.withDescription("such as INT, SIGKILL or 9"),
    Options.withDefault("SIGTERM")
  ),
  ...options.existing
}

/** Of a name with or without `SIG`, or of a number. */
const signalOf = (text: string): Effect.Effect<string, UsageError> => {
  const name = text.toUpperCase().replace(/^(?!SIG)/, "SIG")
  const found = Object.entries(constants.signals).find(([one, number]) => one === name || String(number) === text)
  return found === undefined
    ? new UsageError({ message: "--signal must be the name or the number of a signal, such as INT, SIGKILL or 9" })
    : Effect.succeed(found[0])
}

export const kill = Command.make(
  "kill",
  killConfig,
  (given) =>
    Effect.flatMap(
      signalOf(given.signal),
      (signal) =>
        inExisting(given, given.session, ({ command }) =>
          Effect.gen(function*() {
            const process = yield* command.attach(given.process)
            yield* process.kill(signal)
            if (given.json) yield* printJson({ process: given.process, signal })
          }))
    )
).pipe(Command.withDescription("Sends a signal to a process and what it has started."))
