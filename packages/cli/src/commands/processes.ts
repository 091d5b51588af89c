/** `agb ps`, `agb logs` and `agb kill`: processes that were left running in a session. */
import type * as Process from "@effect-agb/core/Process"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
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
    Options.withDescription("such as INT or SIGKILL"),
    Options.withDefault("SIGTERM")
  ),
  ...options.existing
}

const signalName = (text: string): string => {
  const name = text.toUpperCase()
  return name.startsWith("SIG") ? name : `SIG${name}`
}

export const kill = Command.make(
  "kill",
  killConfig,
  (given) =>
    inExisting(given, given.session, ({ command }) =>
      Effect.gen(function*() {
        const process = yield* command.attach(given.process)
        yield* process.kill(signalName(given.signal))
        if (given.json) yield* printJson({ process: given.process, signal: signalName(given.signal) })
      }))
).pipe(Command.withDescription("Sends a signal to a process and what it has started."))
