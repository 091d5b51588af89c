/** Starts, finds and lists the processes of a session. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidRequestError, ProcessNotFoundError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as issues from "../../client/checks/issues.js"
import * as optionObjects from "../../client/checks/options.js"
import * as requestChecks from "../../client/checks/requestChecks.js"
import * as timeouts from "../../client/checks/timeouts.js"
import { finish } from "../../client/finalizers.js"
import * as spans from "../../client/spans.js"
import * as control from "./control.js"
import * as ends from "./end.js"
import * as follow from "./follow.js"
import type {
  AttachError,
  Cursor,
  LogOptions,
  Process,
  ProcessFailure,
  ProcessSummary,
  Signal,
  StartDetachedOptions,
  StartOptions
} from "./model.js"
import * as scripts from "./scripts.js"
import * as stdin from "./stdin.js"
import * as waiting from "./waiting.js"

/** The methods of `Command` that are about processes. */
export interface Processes {
  readonly start: (command: string, options?: StartOptions) => Effect.Effect<Process, ProcessFailure, Scope.Scope>
  readonly startDetached: (command: string, options: StartDetachedOptions) => Effect.Effect<Process, ProcessFailure>
  readonly attach: (key: string) => Effect.Effect<Process, AttachError>
  readonly listProcesses: Effect.Effect<ReadonlyArray<ProcessSummary>, ProcessFailure>
}

interface Origin {
  readonly toolCall: ToolCall
  readonly sessionId: string
}

/** With the turns of the starts of a session. */
interface Starter extends Origin {
  readonly starting: Effect.Semaphore
}

const keyPattern = /^[A-Za-z0-9_:@-][A-Za-z0-9._:@-]{0,127}$/

const checkKey = (operation: string, key: string): Either.Either<string, InvalidRequestError> =>
  typeof key === "string" && keyPattern.test(key) ? Either.right(key) : Either.left(
    new InvalidRequestError({
      operation,
      field: "key",
      given: issues.describe(key, "key"),
      expected: "1 to 128 letters, digits and . _ : @ -, not beginning with a dot"
    })
  )

const isOffset = (offset: unknown) => Number.isSafeInteger(offset) && (offset as number) >= 0

const checkCursor = (operation: string, from: Cursor): Either.Either<Cursor, InvalidRequestError> => {
  const wrong = (["stdout", "stderr"] as const).find((name) => !isOffset((from as Partial<Cursor> | null)?.[name]))
  return wrong === undefined ? Either.right({ stdout: from.stdout, stderr: from.stderr }) : Either.left(
    new InvalidRequestError({
      operation,
      field: `from.${wrong}`,
      given: issues.describe((from as Partial<Cursor> | null)?.[wrong], "from"),
      expected: "a non-negative integer (bytes)"
    })
  )
}

const checkFollow = (options: LogOptions | undefined): Either.Either<boolean, InvalidRequestError> =>
  Either.flatMap(
    optionObjects.check("Process.logs", options, ["follow"]),
    ({ follow = true }) =>
      typeof follow === "boolean" ? Either.right(follow) : Either.left(
        new InvalidRequestError({
          operation: "Process.logs",
          field: "follow",
          given: issues.describe(follow, "follow"),
          expected: "true or false"
        })
      )
  )

const invalidSignal = (operation: string, signal: Signal, expected: string) =>
  new InvalidRequestError({ operation, field: "signal", given: issues.describe(signal, "signal"), expected })

/** The name of a signal without `SIG`. */
export const checkSignal = (operation: string, signal: Signal): Either.Either<string, InvalidRequestError> =>
  typeof signal === "string" && /^SIG[A-Z][A-Z0-9]{1,9}$/.test(signal)
    ? Either.right(signal.slice(3))
    : Either.left(invalidSignal(operation, signal, "the name of a signal, e.g. SIGTERM"))

/** The session knows the signals of its system. */
export const unknownSignal = (operation: string, signal: Signal): InvalidRequestError =>
  invalidSignal(operation, signal, "a signal that the session knows, e.g. SIGTERM")

const beginning: Cursor = { stdout: 0, stderr: 0 }

export const newId = (): string => crypto.randomUUID().replaceAll("-", "")

/** The operations on a process that was found in the session. */
const make = ({ sessionId, toolCall }: Origin, key: string, pid: number, isNew: boolean): Process => {
  const target = (name: string): follow.Target => ({ toolCall, key, operation: `Process.${name}` })
  const only = (name: "stdout" | "stderr") =>
    Stream.map(follow.logs(target(name), { stdout: -1, stderr: -1, [name]: 0 }), ({ bytes }) => bytes)
  return {
    ref: { session: { sessionId }, key },
    isNew,
    pid,
    stdin: stdin.sink(target("stdin")),
    stdout: only("stdout"),
    stderr: only("stderr"),
    logs: (from = beginning, options) =>
      Stream.unwrap(Effect.gen(function*() {
        const cursor = yield* checkCursor("Process.logs", from)
        return follow.logs(target("logs"), cursor, yield* checkFollow(options))
      })),
    exit: follow.exit(target("exit")),
    kill: spans.method("Process.kill")((signal: Signal = "SIGTERM") => kill(target("kill"), signal)),
    stop: end(target("stop"), false),
    waitForLog: spans.method("Process.waitForLog")((pattern: RegExp) => waiting.forLog(target("waitForLog"), pattern)),
    waitForPort: spans.method("Process.waitForPort")((port: number) => waiting.forPort(target("waitForPort"), port))
  }
}

/** How long a process has to end by itself after SIGTERM. */
const gracePeriod = Duration.millis(500)

const end = ({ key, operation, toolCall }: follow.Target, removes: boolean): Effect.Effect<void, ProcessFailure> => {
  const text = scripts.end(key, Duration.toMillis(gracePeriod) / 10, removes)
  return Effect.flatMap(
    control.run(toolCall, { operation, key, text, retrySafety: "idempotent" }),
    (printed): Effect.Effect<void, ProcessFailure> => {
      const [state] = control.wordsOf(printed)
      if (state === "ended") return Effect.void
      return Effect.fail(
        state === "none"
          ? control.processError(operation, key, "Gone")
          : control.malformed(operation, "idempotent", "the end of a process")
      )
    }
  )
}

const kill = ({ key, operation, toolCall }: follow.Target, signal: Signal): Effect.Effect<void, ProcessFailure> =>
  Effect.gen(function*() {
    const name = yield* checkSignal(operation, signal)
    const text = scripts.kill(key, name, newId())
    const [state] = control.wordsOf(
      yield* control.run(toolCall, { operation, key, text, retrySafety: "idempotent" })
    )
    if (state === "none") return yield* control.processError(operation, key, "Gone")
    if (state === "unknown") return yield* unknownSignal(operation, `SIG${name}`)
    if (state !== "killed") return yield* control.malformed(operation, "idempotent", "the outcome of a signal")
  })

interface Found {
  readonly pid: number
  readonly run: string
}

const stateOf = (
  { key, operation }: follow.Target,
  printed: control.Printed
): Effect.Effect<Option.Option<Found>, ProcessFailure> => {
  const [kind, pid = "", , , run = ""] = control.wordsOf(printed)
  if (kind === "none") return Effect.succeedNone
  if (kind === "unstarted") {
    return Effect.fail(control.processError(operation, key, "Lost", "it was claimed and has not been started"))
  }
  return kind === "state" && /^\d{1,10}$/.test(pid)
    ? Effect.succeedSome({ pid: Number(pid), run })
    : Effect.fail(control.malformed(operation, "idempotent", "the state of a process"))
}

export interface Checked {
  readonly command: string
  readonly cwd: string | undefined
  readonly envs: Readonly<Record<string, string>>
  readonly timeoutSeconds: number | undefined
  readonly hasStdin: boolean
  readonly requires?: ReadonlyArray<string> | undefined
}

const names = ["timeout", "cwd", "envs", "stdin"] as const

/** The same rules as for `executeCommand`. */
export const check = (
  operation: string,
  command: string,
  options: Partial<StartOptions>
): Effect.Effect<Checked, InvalidRequestError> =>
  Effect.gen(function*() {
    const { cwd, envs = {}, stdin = "ignore", timeout } = options
    const time = timeout === undefined ? undefined : yield* timeouts.parse(operation, timeout)
    const args = { command, envs, ...(cwd === undefined ? {} : { cwd }) }
    yield* Either.mapLeft(
      ParseResult.encodeUnknownEither(AgbTools.tools.shell.args, { onExcessProperty: "error" })(args),
      (issue) => issues.invalidRequest(operation, issue)
    )
    const malformed = requestChecks.malformedText(operation, args)
    if (malformed !== undefined) return yield* malformed
    if (stdin !== "ignore" && stdin !== "pipe") {
      const given = issues.describe(stdin, "stdin")
      return yield* new InvalidRequestError({ operation, field: "stdin", given, expected: "\"ignore\" or \"pipe\"" })
    }
    const timeoutSeconds = time === undefined ? undefined : Duration.toMillis(time) / 1000
    return { command, cwd, envs, timeoutSeconds, hasStdin: stdin === "pipe" }
  })

/**
 * Starts a process, or finds the one that has the key. A server ends what a call has begun when that is broken off, as by a program that
 * is killed: one that `isHeld` begins only when the call that started it has been answered.
 */
export const start = (origin: Origin, operation: string, key: string, { cwd, ...spec }: Checked, isHeld = false) => {
  const { toolCall } = origin
  const run = newId()
  const call = (text: string) => control.run(toolCall, { operation, key, text, retrySafety: "idempotent", cwd })
  return call(scripts.start({ ...spec, key, run, isHeld })).pipe(
    Effect.flatMap((printed) => {
      const [kind, shell = ""] = control.wordsOf(printed)
      return kind === "held" && /^\d{1,10}$/.test(shell)
        ? call(scripts.release(key, run, shell))
        : Effect.succeed(printed)
    }),
    Effect.flatMap((printed) => stateOf({ toolCall, operation, key }, printed)),
    Effect.flatMap(Option.match({
      onSome: (found) => Effect.succeed(make(origin, key, found.pid, found.run === run)),
      onNone: () => Effect.fail(control.processError(operation, key, "Other", "it could not be started"))
    }))
  )
}

/** How long a finalizer waits for the end of a process, which comes in milliseconds unless the server does not answer. */
const longestRelease = Duration.seconds(10)

/** Ends the process tree. It works before the start has arrived, too: the key is then taken. */
export const release = (target: follow.Target): Effect.Effect<void> => {
  const ended = end(target, true).pipe(
    Effect.catchTag("SessionLostError", () => Effect.void),
    Effect.catchAll((error) => Effect.logWarning(`a process may go on running: ${error.message}`))
  )
  return Effect.asVoid(finish(ended, longestRelease))
}

/** A start has so long to be answered, and more of them at a time are no faster than one after the other. */
const mostStarts = 8

const inTurn = <A, E, R>({ starting }: Starter, start: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  starting.withPermits(1)(start)

/** A process has its key from the beginning, so that whatever becomes of its start, it can be ended. */
const startScoped = (origin: Starter): Processes["start"] => {
  const operation = "Command.start"
  return (command, options) =>
    Effect.gen(function*() {
      const checked = yield* check(operation, command, yield* optionObjects.check(operation, options, names))
      const key = newId()
      yield* Effect.addFinalizer(() => release({ toolCall: origin.toolCall, operation, key }))
      return yield* inTurn(origin, start(origin, operation, key, checked))
    }).pipe(spans.traced(operation))
}

const startDetached = (origin: Starter): Processes["startDetached"] => {
  const operation = "Command.startDetached"
  return spans.method(operation)((command: string, options: StartDetachedOptions) =>
    Effect.gen(function*() {
      const given = yield* optionObjects.check(operation, options, [...names, "key"])
      const key = yield* checkKey(operation, given.key as string)
      const checked = yield* check(operation, command, given)
      const started = start(origin, operation, key, checked, true)
      return yield* inTurn(origin, Effect.disconnect(Effect.uninterruptible(started)))
    })
  )
}

const attach = (origin: Origin): Processes["attach"] => {
  const operation = "Command.attach"
  return spans.method(operation)((given: string) =>
    Effect.gen(function*() {
      const { toolCall } = origin
      const key = yield* checkKey(operation, given)
      const printed = yield* control.run(toolCall, { operation, key, text: scripts.find(key), retrySafety: "safe" })
      const found = yield* stateOf({ toolCall, operation, key }, printed)
      if (Option.isNone(found)) return yield* new ProcessNotFoundError({ operation, key })
      return make(origin, key, found.value.pid, false)
    })
  )
}

const list = ({ toolCall }: Origin): Processes["listProcesses"] => {
  const operation = "Command.listProcesses"
  const script = { operation, key: "", text: scripts.list, retrySafety: "safe" } as const
  return Effect.flatMap(control.run(toolCall, script), ({ lines }) => {
    const items = lines.filter((line) => line.startsWith("agb item ")).map((line) => line.trim().split(/ +/).slice(2))
    const summaries = items.map(([key = "", ...words]) => ({ key, end: ends.parse(words) }))
    return summaries.every(({ end }) => end !== undefined)
      ? Effect.succeed(summaries.map(({ end, key }): ProcessSummary => ({
        key,
        exit: typeof end === "object" ? Option.some(end) : Option.none(),
        isLost: end === "lost"
      })))
      : Effect.fail(control.malformed(operation, "safe", "the list of processes"))
  })
}

export const makeAll = (toolCall: ToolCall, sessionId: string): Processes => {
  const origin = { toolCall, sessionId, starting: Effect.unsafeMakeSemaphore(mostStarts) }
  return {
    start: startScoped(origin),
    startDetached: startDetached(origin),
    attach: attach(origin),
    listProcesses: list(origin)
  }
}
