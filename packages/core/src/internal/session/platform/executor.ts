/** The platform's `CommandExecutor` over the processes of a session. */
import * as Command from "@effect/platform/Command"
import * as Platform from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { Process } from "../../../Process.js"
import * as spans from "../../client/spans.js"
import { concat } from "../../wire/text/bytes.js"
import * as shellScript from "../files/shellScript.js"
import { badArgument, systemError } from "../platformError.js"
import type { ProcessFailure } from "../processes/model.js"
import * as commandLine from "./commandLine.js"
import { errno, failed } from "./errors.js"
import { absolute, type Machine } from "./machine.js"
import { decoderOf, linesOf } from "./output.js"

type Commands = ReadonlyArray<Command.StandardCommand>

const isStream = (input: Command.Command.Input): input is Exclude<Command.Command.Input, string> =>
  typeof input !== "string"

/** As errors name the commands. */
const nameOf = (commands: Commands): string => commands.map(commandLine.textOf).join(" | ")

const failedIn = (method: string, commands: Commands) =>
  failed("Command", { method, syscall: method, path: nameOf(commands) })

/** What cannot be a command. */
const checked = (commands: Commands): Effect.Effect<void, PlatformError> => {
  const refused = (description: string) => Effect.fail(badArgument({ module: "Command", method: "spawn", description }))
  for (const { command, env, gid, uid } of commands) {
    if (command === "") return refused("the name of the program is empty")
    if (Option.isSome(gid) || Option.isSome(uid)) return refused("a session runs commands as its own user")
    const name = Array.from(env, ([name]) => name).find((name) => name === "" || name.includes("="))
    if (name !== undefined) return refused(`the name of an environment variable is ${name === "" ? "empty" : name}`)
  }
  return Effect.void
}

/** What is missing, as the system says it that starts the program. */
const spawnError = (commands: Commands, code: string, about: string, number: number): PlatformError => {
  const { command = "", cwd = Option.none() } = commands[number] ?? {}
  const path = Option.getOrElse(cwd, () => ".")
  if (about === "cwd") return errno("FileSystem", code, { method: "access", syscall: "access", path })
  const reasons = { ENOENT: "NotFound", EACCES: "PermissionDenied" } as const
  return systemError({
    module: "Command",
    method: "spawn",
    reason: code === "ENOENT" || code === "EACCES" ? reasons[code] : "BadResource",
    syscall: `spawn ${command}`,
    pathOrDescriptor: nameOf(commands),
    description: `spawn ${command} ${code}`
  })
}

/** Fails unless all programs and working directories are there. */
const findAll = ({ cwd, toolCall }: Machine, commands: Commands): Effect.Effect<void, PlatformError> =>
  shellScript.run(toolCall, {
    operation: "SessionPlatform.spawn",
    paths: ["."],
    text: commandLine.checkScript,
    args: commandLine.requirementsOf(commands, cwd),
    retrySafety: "safe"
  }).pipe(
    Effect.asVoid,
    spans.traced("SessionPlatform.spawn"),
    Effect.mapError((error) => {
      const detail = "detail" in error ? error.detail : undefined
      const [, code, about = "", number = ""] = /^(E[A-Z]+) (cwd|program) (\d+)$/.exec(detail ?? "") ?? []
      return code === undefined
        ? failedIn("spawn", commands)(error)
        : spawnError(commands, code, about, Number(number))
    })
  )

const isClosed = (error: PlatformError | ProcessFailure): boolean =>
  error._tag === "ProcessError" && (error.reason === "StdinClosed" || error.reason === "Gone")

const asPlatformError = (commands: Commands) => (error: PlatformError | ProcessFailure): PlatformError =>
  error._tag === "SystemError" || error._tag === "BadArgument" ? error : failedIn("stdin", commands)(error)

/** Feeds a process. One that reads no further is no error; a stream that fails ends the process, and is its error. */
const feed = (
  commands: Commands,
  input: Stream.Stream<Uint8Array, PlatformError>,
  process: Process,
  failure: Deferred.Deferred<never, PlatformError>
): Effect.Effect<void, never, Scope.Scope> =>
  Stream.run(input, process.stdin).pipe(
    Effect.catchIf(isClosed, () => Effect.void),
    Effect.mapError(asPlatformError(commands)),
    Effect.catchAllCause((cause) => Effect.zipRight(Deferred.failCause(failure, cause), Effect.ignore(process.stop))),
    Effect.forkScoped,
    Effect.asVoid
  )

const ProcessProto = {
  [Platform.ProcessTypeId]: Platform.ProcessTypeId,
  ...Inspectable.BaseProto,
  toJSON(this: Platform.Process) {
    return { _id: "@effect/platform/CommandExecutor/Process", pid: this.pid }
  }
}

/** Waits for the end; a signal is a failure, as on Node. */
const exitOf = (commands: Commands, process: Process): Effect.Effect<Platform.ExitCode, PlatformError> =>
  Effect.flatMap(
    Effect.mapError(process.exit, failedIn("exitCode", commands)),
    ({ exitCode, signal }) =>
      Option.match(signal, {
        onNone: () => Effect.succeed(Platform.ExitCode(exitCode)),
        onSome: (signal) =>
          Effect.fail(systemError({
            module: "Command",
            method: "exitCode",
            reason: "Unknown",
            pathOrDescriptor: nameOf(commands),
            description: `Process interrupted due to receipt of signal: ${signal}`
          }))
      })
  )

/** Whether a process has no recorded end yet. One that is not listed any more has been removed. */
const isRunning = ({ command }: Machine, commands: Commands, process: Process) =>
  Effect.mapBoth(command.listProcesses, {
    onFailure: failedIn("isRunning", commands),
    onSuccess: (all) => all.some(({ exit, isLost, key }) => key === process.ref.key && Option.isNone(exit) && !isLost)
  })

/** Prints what a command inherits the streams for: a session has no console, this program has one. */
const printed = (
  commands: Commands,
  process: Process
): Effect.Effect<Effect.Effect<void, PlatformError>, never, Scope.Scope> => {
  const { stderr, stdout } = commands.at(-1) ?? {}
  const print = (name: "stdout" | "stderr", log: (line: string) => Effect.Effect<void>) =>
    Stream.runForEach(linesOf(name, "utf-8", Stream.mapError(process[name], failedIn(name, commands))), log)
  const all = [
    ...stdout === "inherit" ? [print("stdout", Console.log)] : [],
    ...stderr === "inherit" ? [print("stderr", Console.error)] : []
  ]
  return all.length === 0
    ? Effect.succeed(Effect.void)
    : Effect.map(
      Effect.forkScoped(Effect.all(all, { concurrency: "unbounded", discard: true })),
      Fiber.join
    )
}

/** Runs commands of which each feeds the next, in one process group. */
const run = (
  machine: Machine,
  commands: Commands,
  isInputOpen: boolean
): Effect.Effect<Platform.Process, PlatformError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* checked(commands)
    yield* findAll(machine, commands)
    const input = commands[0]?.stdin ?? "inherit"
    const hasStdin = isStream(input) || input === "pipe" && isInputOpen
    const process = yield* Effect.mapError(
      machine.command.start(commandLine.scriptOf(commands), { stdin: hasStdin ? "pipe" : "ignore" }),
      failedIn("spawn", commands)
    )
    const failure = yield* Deferred.make<never, PlatformError>()
    if (isStream(input)) yield* feed(commands, input, process, failure)
    const isPrinted = yield* printed(commands, process)
    const outputOf = (name: "stdout" | "stderr") =>
      Stream.interruptWhenDeferred(Stream.mapError(process[name], failedIn(name, commands)), failure)
    const sink = commands.at(-1)?.stdout ?? "pipe"
    const exit = exitOf(commands, process)
    return Object.assign(Object.create(ProcessProto), {
      pid: Platform.ProcessId(process.pid),
      exitCode: Effect.raceFirst(Effect.zipLeft(exit, isPrinted), Deferred.await(failure)),
      isRunning: isRunning(machine, commands, process),
      kill: (signal: Platform.Signal = "SIGTERM") =>
        Effect.mapError(
          Effect.zipRight(process.kill(signal), Effect.asVoid(process.exit)),
          failedIn("kill", commands)
        ),
      stdin: hasStdin && !isStream(input)
        ? Sink.mapError(process.stdin, failedIn("stdin", commands))
        : Sink.drain,
      stdout: typeof sink === "string" ? outputOf("stdout") : Stream.transduce(outputOf("stdout"), sink),
      stderr: outputOf("stderr")
    })
  })

/** Where a command that is not the last has a sink for its output, what comes out of that goes to the next one. */
const start = (
  machine: Machine,
  commands: Commands,
  isInputOpen: boolean
): Effect.Effect<Platform.Process, PlatformError, Scope.Scope> => {
  const isSplit = ({ stdout }: Command.StandardCommand, index: number) => index > 0 && typeof stdout !== "string"
  const found = [...commands].reverse().findIndex(isSplit)
  if (found < 0) return run(machine, commands, isInputOpen)
  const [before, after] = [commands.slice(0, commands.length - found), commands.slice(commands.length - found)]
  return Effect.flatMap(
    start(machine, before, isInputOpen),
    ({ stdout: stdin }) => run(machine, after.map((one, index) => index === 0 ? { ...one, stdin } : one), false)
  )
}

/** Relative working directories begin at that of the session. */
const flatten = (machine: Machine, command: Command.Command): Commands =>
  Command.flatten(command).map((one) => ({
    ...one,
    cwd: Option.map(one.cwd, (cwd) => absolute(machine, cwd))
  }))

export const make = (machine: Machine): Platform.CommandExecutor => {
  const started = (command: Command.Command, isInputOpen: boolean) =>
    Effect.suspend(() => start(machine, flatten(machine, command), isInputOpen))
  // Nobody can write to the input of these: it is empty.
  const stream = (command: Command.Command) =>
    Stream.unwrapScoped(Effect.map(started(command, false), ({ stdout }) => stdout))
  const streamLines = (command: Command.Command, encoding = "utf-8") =>
    linesOf("streamLines", encoding, stream(command))
  return {
    [Platform.TypeId]: Platform.TypeId,
    start: (command) => started(command, true),
    exitCode: (command) => Effect.scoped(Effect.flatMap(started(command, false), ({ exitCode }) => exitCode)),
    stream,
    streamLines,
    lines: (command, encoding) => Effect.map(Stream.runCollect(streamLines(command, encoding)), Chunk.toArray),
    string: (command, encoding = "utf-8") =>
      Effect.flatMap(
        decoderOf("string", encoding),
        (decoder) => Effect.map(Stream.runCollect(stream(command)), (pieces) => decoder.decode(concat(pieces)))
      )
  }
}
