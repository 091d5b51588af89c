/** Runs a command of `agb` as the main program of the process. */
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { agb, completable, helpOf, knownOptions, takesCommand } from "./app.js"
import { sort, split } from "./arguments.js"
import { report, teardown, UsageError } from "./failure.js"
import { completions, shells } from "./output/completions.js"
import { fitting, paint } from "./output/style.js"
import { write } from "./output/write.js"
import { Literal, misplaced } from "./session/literal.js"

/** Warnings of the SDK, e.g. of a session that could not be deleted: one line each, and nothing on standard output. */
const logger = Logger.make(({ message }) => {
  const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
  process.stderr.write(`${paint(process.stderr, "yellow", "agb:")} ${text}\n`)
})

const print = (text: unknown): void => {
  const shown = fitting(process.stdout, String(text))
  process.stdout.write(`${shown.trimEnd()}\n`)
}

/** `@effect/cli` prints in colours whatever the stream is, and its errors, which `report` says. */
const quiet: Console.Console = {
  ...Effect.runSync(Console.consoleWith(Effect.succeed)),
  log: (...texts) => Effect.sync(() => texts.forEach(print)),
  error: () => Effect.void
}

const isHelp = (own: ReadonlyArray<string>): boolean =>
  own.length === 0 || own.some((arg) => arg === "--help" || arg === "-h")

/** The arguments as `@effect/cli` reads them. */
const prepared = ([name = "", ...args]: ReadonlyArray<string>): Either.Either<ReadonlyArray<string>, UsageError> => {
  if (name.startsWith("-")) return Either.right([name, ...args])
  const known = knownOptions(name)
  return known === undefined
    ? Either.left(new UsageError({ message: `there is no command ${name}; agb --help lists them` }))
    : Either.filterOrLeft(
      sort(name, args, known),
      ({ others }) => others.length === 0 || !takesCommand(name),
      () => misplaced(name)
    ).pipe(Either.map(({ options, others }) => [name, ...options, ...others]))
}

const printCompletions = (args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const shell = shells.find((shell) => shell === args.join())
    if (shell === undefined) return yield* new UsageError({ message: "--completions must be bash, zsh or fish" })
    const { usage } = yield* Effect.promise(() => import("@effect-agb/platform-node/LocalProgram"))
    yield* write("stdout", completions(shell, completable(usage)))
  })

export const main = (args: ReadonlyArray<string>, version: string): void => {
  const { literal, own } = split(args)
  if (isHelp(own)) return void process.stdout.write(helpOf(own[0]))
  const run = Command.run(agb, { name: "agb", version, executable: "agb" })
  const program = (own[0] === "--completions"
    ? printCompletions(own.slice(1))
    : Effect.flatMap(prepared(own), (words) => run(["node", "agb", ...words]))).pipe(
      Effect.catchAllCause(report({ json: own.includes("--json"), command: own[0] ?? "" })),
      Effect.withConsole(quiet),
      Effect.provide(Layer.mergeAll(
        NodeFileSystem.layer,
        NodePath.layer,
        NodeTerminal.layer,
        CliConfig.layer({ isCaseSensitive: true }),
        Logger.replace(Logger.defaultLogger, logger),
        Logger.minimumLogLevel(LogLevel.Warning)
      )),
      Effect.provideService(Literal, literal)
    )
  NodeAgb.runMain(program, { disableErrorReporting: true, disablePrettyLogger: true, teardown })
}
