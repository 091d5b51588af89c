/** What runs in a session: its tools and processes, as the scripts of the test answer. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { makeTools, ToolFailure, type ToolHandlers } from "../../../AgbServer.js"
import type { ResultOf, Tools } from "../../../AgbTools.js"
import type { CodeCall, CodeOutput, CommandCall, CommandOutput } from "./answers.js"
import * as files from "./files.js"
import { fileTools } from "./fileTools.js"
import type { LedgerEntry } from "./ledger.js"
import * as processScripts from "./processScripts.js"
import { ProcessTable } from "./processTable.js"
import { resultOf } from "./runs.js"
import type { RunRequest } from "./runSocket.js"
import { collect, defaultTimeout, type Scripted, textOf } from "./script.js"
import * as sdkScripts from "./sdkScripts.js"
import type { Machine, MemorySession } from "./sessions.js"
import { shown, type UnscriptedError } from "./unscripted.js"

export interface MachineOptions {
  readonly code: Scripted<CodeCall, CodeOutput>
  readonly command: Scripted<CommandCall, CommandOutput>
  readonly record: (entry: LedgerEntry) => void
  readonly onUnscripted: (error: UnscriptedError) => void
  /** Starts a fiber of the server. */
  readonly fork: (effect: Effect.Effect<void>) => Effect.Effect<Fiber.RuntimeFiber<void>>
}

type ShellResult = ResultOf<Tools["shell"]>
type CommandRequest = Pick<CommandCall, "command" | "cwd" | "envs" | "timeout" | "stdin">

const home = "/home"

const filesOf = ({ tree }: MemorySession): Effect.Effect<files.Files> =>
  Effect.clockWith((clock) => Effect.succeed(files.make(tree, () => clock.unsafeCurrentTimeMillis())))

/** The pieces of the output of a run of code. */
export const runCode = (
  { code: scripted, onUnscripted, record }: MachineOptions,
  session: MemorySession,
  { code, language, timeout }: RunRequest
): Effect.Effect<Stream.Stream<CodeOutput>, UnscriptedError> =>
  Effect.gen(function*() {
    const { sessionId } = session
    record({ _tag: "CodeRun", sessionId, language, code, at: yield* Clock.currentTimeMillis })
    const call = { sessionId, code, language, timeout, files: yield* filesOf(session) }
    return yield* scripted.answer(code, call, `the ${language} code ${shown(code)}`)
  }).pipe(Effect.tapError((error) => Effect.sync(() => onUnscripted(error))))

const runCommand = (
  { command: scripted, onUnscripted, record }: MachineOptions,
  session: MemorySession,
  request: CommandRequest
): Effect.Effect<Stream.Stream<CommandOutput>, UnscriptedError> =>
  Effect.gen(function*() {
    const { sessionId } = session
    const { command, cwd, envs, stdin, timeout } = request
    record({ _tag: "CommandRun", sessionId, command, cwd, envs, at: yield* Clock.currentTimeMillis })
    const call = { sessionId, command, cwd, envs, stdin, timeout, files: yield* filesOf(session) }
    return yield* scripted.answer(command, call, `the command ${shown(command)}`)
  }).pipe(Effect.tapError((error) => Effect.sync(() => onUnscripted(error))))

const exited = (stdout: string, stderr = "", exit_code = 0): ShellResult => ({ stdout, stderr, exit_code })

const execute = (
  outputs: Stream.Stream<CommandOutput>,
  timeout: Duration.Duration
): Effect.Effect<ShellResult, ToolFailure> =>
  Effect.flatMap(collect(outputs, timeout), ({ found, isLate }) => {
    const [stdout, stderr] = [textOf(found, "stdout"), textOf(found, "stderr")]
    if (isLate) {
      return new ToolFailure({ text: JSON.stringify(exited(stdout, `${stderr}The command timed out`, 124)) })
    }
    const exitCode = found.reduce((last, { exitCode = last }) => exitCode, 0)
    return Effect.succeed(exited(stdout, stderr, exitCode))
  })

const metrics = {
  cpuCount: 2,
  cpuUsedPct: 1.5,
  diskTotal: 2 ** 30,
  diskUsed: 4096,
  memTotal: 2 ** 31,
  memUsed: 2 ** 20,
  rxRateKbytePerS: 0,
  txRateKbytePerS: 0,
  rxUsedKbyte: 0,
  txUsedKbyte: 0,
  timestamp: "2026-01-01T00:00:00Z"
}

/** A call without an answer is a mistake of the test, not of the session. */
const orDie = <A, E>(effect: Effect.Effect<A, E | UnscriptedError>): Effect.Effect<A, Exclude<E, UnscriptedError>> =>
  Effect.catchIf(
    effect,
    (error): error is E & UnscriptedError => (error as { readonly _tag?: string })._tag === "UnscriptedError",
    (error) => Effect.die(error)
  ) as Effect.Effect<A, Exclude<E, UnscriptedError>>

const programs = (
  options: MachineOptions,
  session: MemorySession,
  processes: ProcessTable
): Pick<ToolHandlers, "run_code" | "shell"> => ({
  run_code: ({ code, language, timeout_s }) => {
    const timeout = timeout_s === undefined ? defaultTimeout : Duration.seconds(timeout_s)
    return orDie(runCode(options, session, { code, language, timeout })).pipe(
      Effect.flatMap((outputs) => collect(outputs, timeout)),
      Effect.map(({ found, isLate }) => resultOf(found, isLate))
    )
  },
  shell: ({ command, cwd = home, envs = {}, timeout_ms }) => {
    const ofSdk = sdkScripts.run(session.tree, command)
    if (ofSdk !== undefined) return ofSdk
    const ofProcesses = processScripts.run(processes, command, cwd)
    if (ofProcesses !== undefined) return Effect.map(orDie(ofProcesses), (stdout) => exited(stdout))
    const timeout = timeout_ms === undefined ? defaultTimeout : Duration.millis(timeout_ms)
    return Effect.flatMap(
      orDie(runCommand(options, session, { command, cwd, envs, timeout, stdin: Stream.empty })),
      (outputs) => execute(outputs, timeout)
    )
  }
})

export const make = (options: MachineOptions, session: MemorySession): Machine => {
  const processes = new ProcessTable({
    answer: (request) => runCommand(options, session, request),
    fork: options.fork
  })
  return {
    processes,
    callTool: makeTools({
      ...fileTools(session.tree),
      ...programs(options, session, processes),
      get_metrics: () => Effect.succeed(metrics)
    })
  }
}
