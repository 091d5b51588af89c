/** `agb sh`: a shell, or another program, on a terminal of the session that is this terminal. */
import type * as Terminal from "@effect-agb/core/Terminal"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { ExitCode, notRun, orNotRun, UsageError } from "../failure.js"
import { makeEscape } from "../output/escape.js"
import { rawTerminal } from "../output/rawTerminal.js"
import { note, write } from "../output/write.js"
import { inSession } from "../session/backend.js"
import { Literal, shellLine } from "../session/literal.js"
import * as options from "../session/options.js"

const shell = "command -v bash >/dev/null && exec bash -l; exec sh -l"

const sizeOf = ({ columns, rows }: typeof process.stdout) => ({ columns: columns || 80, rows: rows || 24 })

/** What the program on the terminal learns of this one. */
const environment = () =>
  Object.fromEntries(["TERM", "COLORTERM"].flatMap((name) => {
    const value = process.env[name]
    return value === undefined || value === "" ? [] : [[name, value]]
  }))

/** Every key of this terminal is typed there; ends when the user has left by `~.`. */
const type = (keys: Queue.Dequeue<Buffer>, terminal: Terminal.Terminal) =>
  Stream.fromQueue(keys).pipe(
    Stream.map(makeEscape()),
    Stream.takeUntil(({ isEnd }) => isEnd),
    Stream.runForEach(({ bytes }) => bytes.length === 0 ? Effect.void : terminal.write(bytes))
  )

const resize = (sizes: Queue.Dequeue<void>, { resize }: Terminal.Terminal) =>
  Stream.runForEach(Stream.fromQueue(sizes), () => {
    const { columns, rows } = sizeOf(process.stdout)
    return resize(columns, rows)
  })

/** After the end of the command nothing arrives any more, which is no failure of what was typed. */
const untilEnd = <A, E extends Terminal.TerminalFailure>(effect: Effect.Effect<A, E>) =>
  Effect.catchAll(
    effect,
    (error): Effect.Effect<never, E> =>
      error._tag === "ProcessError" && error.reason === "Ended" ? Effect.never : Effect.fail(error)
  )

const attached = (terminal: Terminal.Terminal) =>
  Effect.gen(function*() {
    const { keys, show, sizes } = yield* rawTerminal
    const output = Stream.runForEach(terminal.output, (bytes) => Effect.zipRight(show(bytes), write("stdout", bytes)))
    const ended = Effect.map(Effect.zipRight(output, terminal.exit), Option.some)
    const left = Effect.as(untilEnd(type(keys, terminal)), Option.none<Terminal.TerminalExit>())
    const sized = Effect.zipRight(untilEnd(resize(sizes, terminal)), Effect.never)
    return yield* Effect.raceFirst(Effect.raceFirst(ended, left), sized)
  }).pipe(Effect.scoped)

const program = (line: string, given: Parameters<typeof inSession>[0]) =>
  Effect.gen(function*() {
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      return yield* new UsageError({
        message: "agb sh needs a terminal for its input and its output; agb exec -- … needs none"
      })
    }
    const exit = yield* inSession(given, (session) =>
      Effect.scoped(Effect.flatMap(
        session.terminal.open(line, { ...sizeOf(process.stdout), envs: environment() }),
        attached
      )))
    if (Option.isNone(exit)) {
      yield* note("left by ~.")
      return yield* new ExitCode({ code: notRun })
    }
    if (exit.value.exitCode !== 0) return yield* new ExitCode({ code: exit.value.exitCode })
  })

export const sh = Command.make(
  "sh",
  options.session,
  (given) =>
    Effect.flatMap(
      Literal,
      (words) => program(words === undefined || words.length === 0 ? shell : shellLine(words), given)
    ).pipe(orNotRun)
).pipe(
  Command.withDescription(
    "Opens a shell on a terminal of a session, or what stands after --: agb sh -- vim notes. Enter ~. leaves a session that " +
      "does not answer. The exit code is that of the shell, or 125 if it could not be opened."
  )
)
