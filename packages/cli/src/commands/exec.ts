/** `agb exec`: runs a command and is its standard streams, its signals and its exit code. */
import type * as Process from "@effect-agb/core/Process"
import type { Session } from "@effect-agb/core/Session"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { ExitCode, orNotRun, timedOut, UsageError } from "../failure.js"
import { complain, printChunks, printJson, printLine } from "../output/write.js"
import { inSession } from "../session/backend.js"
import { commandLine } from "../session/literal.js"
import * as options from "../session/options.js"

/** How long a command may go on after it was sent the signal that this program got. */
const patience = "5 seconds"

/** The command does not read any more. */
const isClosed = (error: Process.ProcessFailure): boolean =>
  error._tag === "ProcessError" && ["StdinClosed", "Ended", "Gone"].includes(error.reason)

/** Standard input of this program is that of the command, until either ends. */
const feed = ({ stdin }: Process.Process) =>
  Stream.run(NodeStream.stdin, stdin).pipe(
    Effect.catchIf((error) => "_tag" in error && isClosed(error), () => Effect.void),
    Effect.zipRight(Effect.never)
  )

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** The last signal that this program got. */
const received = Effect.acquireRelease(
  Effect.sync(() => {
    const last: { signal: string | undefined } = { signal: undefined }
    const listeners = signals.map((signal) => [signal, () => void (last.signal = signal)] as const)
    for (const [signal, listener] of listeners) process.on(signal, listener)
    return { last, listeners }
  }),
  ({ listeners }) =>
    Effect.sync(() => {
      for (const [signal, listener] of listeners) process.off(signal, listener)
    })
)

/** Passes on the signal, and shows what the command says to it. */
const passOn = (process: Process.Process, signal: string | undefined, ended: Fiber.Fiber<unknown, unknown>) =>
  process.kill(signal ?? "SIGTERM").pipe(
    Effect.zipRight(Fiber.await(ended)),
    Effect.interruptible,
    Effect.timeout(patience),
    Effect.ignore
  )

/** The process ends with this program. */
const attached = (process: Process.Process, { json, noStdin }: { readonly json: boolean; readonly noStdin: boolean }) =>
  Effect.gen(function*() {
    const { last } = yield* received
    const output = Effect.zipRight(Stream.runForEach(process.logs(), printChunks(json)), process.exit)
    const ended = yield* Effect.forkScoped(noStdin ? output : Effect.raceFirst(output, feed(process)))
    const exit = yield* Effect.onInterrupt(Fiber.join(ended), () => passOn(process, last.signal, ended))
    const { exitCode } = exit
    if (json) {
      const signal = Option.getOrNull(exit.signal)
      yield* printJson({ type: "exited", exitCode, signal, timedOut: exit.timedOut })
    }
    if (exit.timedOut) {
      yield* json ? Effect.void : complain("the command was stopped at its time limit")
      return yield* new ExitCode({ code: timedOut })
    }
    if (exitCode !== 0) return yield* new ExitCode({ code: exitCode })
  }).pipe(Effect.scoped)

const config = {
  detach: Options.boolean("detach").pipe(
    Options.withAlias("d"),
    Options.withDescription("starts the command in the session of --session, prints its name and leaves it running")
  ),
  name: Options.text("name").pipe(
    Options.withDescription("with --detach: name of the process, for ps, logs and kill"),
    Options.optional
  ),
  noStdin: Options.boolean("no-stdin").pipe(
    Options.withAlias("n"),
    Options.withDescription("gives the command no standard input")
  ),
  cwd: Options.text("cwd").pipe(Options.withDescription("absolute working directory"), Options.optional),
  env: Options.text("env").pipe(
    Options.withAlias("e"),
    Options.withDescription("NAME=VALUE for the environment of the command; repeatable"),
    Options.repeated
  ),
  timeout: options.timeout,
  ...options.session
}

type Given = Command.Command.ParseConfig<typeof config>

const startOptions = ({ cwd, env, timeout }: Given) =>
  Effect.gen(function*() {
    const limit = yield* options.optionalTime("timeout", timeout)
    return { cwd: Option.getOrUndefined(cwd), envs: yield* options.parsePairs("env", env), timeout: limit }
  })

const detached = (given: Given, line: string) =>
  Effect.gen(function*() {
    if (Option.isNone(given.session)) {
      return yield* new UsageError({
        message: "--detach needs --session: a session of its own would end with this command"
      })
    }
    const start = yield* startOptions(given)
    const key = Option.getOrElse(given.name, () => `exec-${crypto.randomUUID().slice(0, 8)}`)
    const { isNew } = yield* inSession(given, ({ command }) => command.startDetached(line, { key, ...start }))
    if (!isNew) {
      return yield* new UsageError({ message: `the session has a process ${key} already, which was left as it is` })
    }
    yield* given.json ? printJson({ process: key }) : printLine(key)
  })

const inForeground = (given: Given, line: string) =>
  Effect.gen(function*() {
    const start = yield* startOptions(given)
    const stdin = given.noStdin ? "ignore" : "pipe"
    yield* inSession(given, ({ command }: Session) =>
      Effect.scoped(Effect.flatMap(command.start(line, { ...start, stdin }), (process) =>
        attached(process, given))))
  })

export const exec = Command.make("exec", config, (given) =>
  commandLine("exec").pipe(
    Effect.flatMap((line) => given.detach ? detached(given, line) : inForeground(given, line)),
    orNotRun
  )).pipe(
    Command.withDescription(
      "Runs the command after -- in a session, with its arguments as they are: agb exec -- ls -l. The exit code is that of the " +
        "command, or 125 if it could not be run."
    )
  )
