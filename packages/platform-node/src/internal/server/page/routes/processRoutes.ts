/** The processes of a session on its page: those that the SDK has started under a key, and the others that run in it. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Command from "@effect-agb/core/Command"
import type * as Process from "@effect-agb/core/Process"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Logs, Process as Shown } from "../../../pageWire/contract.js"
import { withRequestContext } from "../../http/requestContext.js"
import { makeAgentCall } from "../../sessions/agentCall.js"
import type { LocalSession } from "../../sessions/localSession.js"
import { recordedAs } from "../../timeline/recorded.js"
import { isOwnProgram } from "../../timeline/sdkScripts.js"
import { readBody } from "../http/pageBody.js"
import type { RoutesOptions } from "../http/pageOptions.js"
import { sendJson } from "../http/pageReply.js"
import { invalid, type PageRoute, type SessionVisit } from "../http/pageRoute.js"
import { pageRequest, recordedToolCallOf, toolCallOf } from "../session/sessionTools.js"

const Processes = Schema.Struct({
  processes: Schema.Array(Schema.Struct({
    pid: Schema.Int,
    parent: Schema.Int,
    group: Schema.Int,
    command: Schema.String,
    startedAt: Schema.Number
  }))
})

type Running = (typeof Processes.Type)["processes"][number]

/** What was seen of a process while it ran, which nobody tells later. */
interface Seen {
  readonly pid: number
  command?: string | null
  startedAt?: number | null
}

const seen = new WeakMap<LocalSession, Map<string, Seen>>()

const maxSeen = 1000

/** Keys have no such character. */
const otherPattern = /^~(\d{1,10})$/

const failed = ({ message }: { readonly message: string }) =>
  new ApiError({ status: 409, code: "Process.Failed", message })

const notFound = (id: string) =>
  new ApiError({ status: 404, code: "Process.NotFound", message: `there is no process ${id}` })

const seenOf = (session: LocalSession): Map<string, Seen> => {
  const known = seen.get(session) ?? new Map<string, Seen>()
  seen.set(session, known)
  return known
}

/** The process id of a process under a key is asked for once. */
const pidOf = (session: LocalSession, command: Command.Command, key: string): Effect.Effect<Seen | undefined> => {
  const known = seenOf(session)
  const found = known.get(key)
  if (found !== undefined) return Effect.succeed(found)
  return Effect.match(command.attach(key), {
    onFailure: () => undefined,
    onSuccess: ({ pid }) => {
      if (known.size < maxSeen) known.set(key, { pid })
      return { pid }
    }
  })
}

/** How it was started, as the timeline tells: what runs under its key may be another program by now. */
const asStarted = ({ timeline }: LocalSession, key: string): Pick<Shown, "command" | "startedAt"> | undefined => {
  const recording = timeline.recordings.findLast(({ begun }) => begun.startsProcess === key)
  if (recording === undefined) return undefined
  const { begun: { text, title }, startedAt } = recording
  return { command: text === "" ? title.replace(/^.*?: /, "") : text, startedAt }
}

const shownCommand = (commandLine: string): string =>
  isOwnProgram(commandLine) ? "a program of the SDK, for a terminal or input" : commandLine

/** What is known of it while it runs is kept. */
const keyed = (
  session: LocalSession,
  { exit, isLost, key }: Process.ProcessSummary,
  found: Seen | undefined,
  running: ReadonlyMap<number, Running>
): Shown => {
  const process = found && running.get(found.pid)
  const started = asStarted(session, key)
  const command = started?.command ?? found?.command ?? (process && shownCommand(process.command)) ?? null
  const startedAt = found?.startedAt ?? process?.startedAt ?? started?.startedAt ?? null
  if (found !== undefined) Object.assign(found, { command, startedAt })
  return {
    id: key,
    command,
    state: isLost ? "lost" : Option.isSome(exit) ? "exited" : "running",
    pid: found?.pid ?? null,
    exitCode: Option.match(exit, { onNone: () => null, onSome: ({ exitCode }) => exitCode }),
    signal: Option.getOrNull(Option.flatMap(exit, ({ signal }) => signal)),
    startedAt,
    hasLogs: true
  }
}

const other = ({ command, pid, startedAt }: Running): Shown => ({
  id: `~${pid}`,
  command: shownCommand(command),
  state: "running",
  pid,
  exitCode: null,
  signal: null,
  startedAt,
  hasLogs: false
})

const runningIn = (session: LocalSession) =>
  Effect.mapBoth(makeAgentCall<never>(session.sandbox)({ op: "listProcesses" }, Processes), {
    onFailure: () => new ApiError({ status: 409, code: "Process.Failed", message: "the processes cannot be listed" }),
    onSuccess: ({ value }) => value
  })

const listIn = (session: LocalSession): Effect.Effect<ReadonlyArray<Shown>, ApiError> =>
  Effect.gen(function*() {
    const command = Command.make(toolCallOf(session))
    const summaries = yield* Effect.mapError(command.listProcesses, failed)
    const { processes } = yield* runningIn(session)
    const running = new Map(processes.map((process) => [process.pid, process]))
    const own = yield* Effect.forEach(summaries, (summary) =>
      Effect.map(
        Option.isNone(summary.exit)
          ? pidOf(session, command, summary.key)
          : Effect.succeed(seenOf(session).get(summary.key)),
        (found) => keyed(session, summary, found, running)
      ))
    const leaders = own.flatMap(({ pid }) => pid === null ? [] : [pid])
    const groups = new Set(leaders)
    // The SDK's own, each of which waits for a process that it has started.
    const supervisors = new Set(leaders.map((pid) => running.get(pid)?.parent))
    const others = processes.filter(({ group, pid }) => !groups.has(pid) && !groups.has(group) && !supervisors.has(pid))
    return [...own, ...others.map(other)]
  })

/** A cursor is that of the SDK as text. */
const cursorOf = (text: string | null): Effect.Effect<Process.Cursor, ApiError> => {
  if (text === null || text === "") return Effect.succeed({ stdout: 0, stderr: 0 })
  const [, stdout, stderr] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? []
  return stdout === undefined || stderr === undefined
    ? Effect.fail(invalid("from must be a cursor of earlier logs"))
    : Effect.succeed({ stdout: Number(stdout), stderr: Number(stderr) })
}

/** How much of the logs is told at once, in bytes. */
const maxLogBytes = 1024 * 1024

const logsOf = (session: LocalSession, key: string, from: Process.Cursor): Effect.Effect<Logs, ApiError> =>
  Effect.gen(function*() {
    const process = yield* Effect.mapError(Command.make(toolCallOf(session)).attach(key), () => notFound(key))
    let bytes = 0
    const read = yield* process.logs(from, { follow: false }).pipe(
      Stream.takeUntil((chunk) => (bytes += chunk.bytes.length) >= maxLogBytes),
      Stream.runCollect,
      Effect.mapError(failed)
    )
    const summaries = yield* Effect.mapError(Command.make(toolCallOf(session)).listProcesses, failed)
    const summary = summaries.find((summary) => summary.key === key)
    const hasEnded = summary === undefined || Option.isSome(summary.exit) || summary.isLost
    const chunks = Chunk.toReadonlyArray(read)
    const cursor = chunks.at(-1)?.cursor ?? from
    return {
      chunks: chunks.map(({ bytes, stream }) => ({ stream, text: Buffer.from(bytes).toString() })),
      cursor: `${cursor.stdout}-${cursor.stderr}`,
      isEnd: hasEnded && bytes === 0
    }
  })

const signalPattern = /^(?:SIG)?([A-Z]{1,10}\d?)$/

const killIn = (session: LocalSession, id: string, signal: string): Effect.Effect<void, ApiError> =>
  Effect.gen(function*() {
    const [, pid] = otherPattern.exec(id) ?? []
    if (pid === undefined) {
      const process = yield* Effect.mapError(
        Command.make(toolCallOf(session)).attach(id),
        () => notFound(id)
      )
      const steered = yield* Effect.mapError(Command.make(recordedToolCallOf(session)).attach(process.ref.key), failed)
      return yield* Effect.mapError(steered.kill(`SIG${signal}`), failed)
    }
    const { processes } = yield* runningIn(session)
    if (!processes.some((process) => String(process.pid) === pid)) return yield* notFound(id)
    const entry = {
      kind: "process",
      title: `Send SIG${signal} to the process ${pid}`,
      text: "",
      language: null,
      path: null,
      cwd: null
    } as const
    const command = Command.make(toolCallOf(session)).executeCommand(`kill -s ${signal} ${pid}`)
    yield* recordedAs(session.timeline, entry, () => Effect.mapError(command, failed))
  })

export const processRoutes = ({ limits, registry }: RoutesOptions): ReadonlyArray<PageRoute<SessionVisit>> => {
  const readSignal = readBody(Schema.Struct({ signal: Schema.optional(Schema.String) }), limits)
  return [
    {
      method: "GET",
      path: /^\/api\/processes$/,
      access: "read",
      handle: ({ session }, exchange) =>
        Effect.map(listIn(session), (processes) => sendJson(exchange, 200, { processes }))
    },
    {
      method: "GET",
      path: /^\/api\/processes\/([^/]{1,400})\/logs$/,
      access: "read",
      handle: ({ session }, exchange, [id = ""]) =>
        Effect.gen(function*() {
          const from = yield* cursorOf(exchange.query.get("from"))
          sendJson(exchange, 200, yield* logsOf(session, decoded(id), from))
        })
    },
    {
      method: "POST",
      path: /^\/api\/processes\/([^/]{1,400})\/kill$/,
      access: "steer",
      handle: ({ session }, exchange, [id = ""]) =>
        Effect.gen(function*() {
          const { signal = "TERM" } = yield* readSignal(exchange)
          const [, name] = signalPattern.exec(signal) ?? []
          if (name === undefined) return yield* invalid("signal must be the name of a signal")
          yield* registry.use(session.sessionId)
          yield* registry.whileActive(session, killIn(session, decoded(id), name)).pipe(
            withRequestContext(pageRequest())
          )
          sendJson(exchange, 200, {})
        })
    }
  ]
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return ""
  }
}
