/** Processes that a model starts, reads and ends. They end with the scope of the tools. */
import type { Exit, LogChunk, Process, ProcessFailure } from "@effect-agb/core/Process"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { plain } from "./bounded.js"
import type { Parameters } from "./definitions.js"
import { type Environment, workingDirectory } from "./environment.js"
import { problem, settle } from "./failures.js"
import type { ProcessResult } from "./results.js"

/** One reader at a time; between two readings it knows how far it has come. */
class Started {
  readonly id: string
  readonly process: Process
  readonly turn = Effect.unsafeMakeSemaphore(1)
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  #cursor = { stdout: 0, stderr: 0 }
  #unread = ""
  #isWhole = false

  constructor(id: string, process: Process) {
    this.id = id
    this.process = process
  }

  get cursor() {
    return this.#cursor
  }

  get unread() {
    return this.#unread
  }

  get isWhole() {
    return this.#isWhole
  }

  add({ bytes, cursor, stream }: LogChunk): void {
    this.#cursor = cursor
    this.#unread += this.#decoders[stream].decode(bytes, { stream: true })
  }

  end(): void {
    if (!this.#isWhole) this.#unread += this.#decoders.stdout.decode() + this.#decoders.stderr.decode()
    this.#isWhole = true
  }

  /** Takes the first characters, and leaves the rest for the next reading. */
  take(maxCharacters: number): string {
    const text = this.#unread.slice(0, maxCharacters).replace(/[\ud800-\udbff]$/, "")
    this.#unread = this.#unread.slice(text.length)
    return text
  }
}

/** Reads until the process has ended, the text is there, there is more than can be shown, or the time is over. */
const follow = (started: Started, enough: (unread: string) => boolean, wait: Duration.Duration) => {
  if (started.isWhole || enough(started.unread)) return Effect.void
  return started.process.logs(started.cursor).pipe(
    Stream.map((chunk) => started.add(chunk)),
    Stream.takeUntil(() => enough(started.unread)),
    Stream.runDrain,
    Effect.tap(() => Effect.sync(() => enough(started.unread) || started.end())),
    Effect.timeoutOption(wait)
  )
}

const exitNote = ({ outOfMemory, signal }: Exit): string | undefined =>
  Option.contains(outOfMemory, true)
    ? "it was killed for want of memory"
    : Option.getOrUndefined(Option.map(signal, (name) => `it was ended by ${name}`))

const describe = (environment: Environment, started: Started): Effect.Effect<ProcessResult, ProcessFailure> =>
  Effect.gen(function*() {
    const exit = started.isWhole ? yield* started.process.exit : undefined
    const output = plain(started.take(environment.maxCharacters))
    const left = started.unread.length
    const note = left > 0 ? "more output is waiting: call read_process again" : exit && exitNote(exit)
    return {
      process_id: started.id,
      status: exit === undefined ? "running" : "exited",
      ...exit === undefined ? {} : { exit_code: exit.exitCode },
      output,
      ...note === undefined ? {} : { note }
    } satisfies ProcessResult
  })

const waitOf = ({ wait_for, wait_seconds = wait_for === undefined ? 1 : 30 }: Parameters<"read_process">) =>
  wait_seconds >= 0 && wait_seconds <= 300 ? Option.some(Duration.seconds(wait_seconds)) : Option.none()

class Processes {
  readonly #environment: Environment
  readonly #started = new Map<string, Started>()
  #next = 1

  constructor(environment: Environment) {
    this.#environment = environment
  }

  start({ command, working_directory }: Parameters<"start_process">) {
    const { command: commands, scope } = this.#environment
    return Effect.gen(this, function*() {
      const cwd = yield* workingDirectory(this.#environment, working_directory)
      const process = yield* commands.start(command, { cwd }).pipe(Scope.extend(scope))
      const started = new Started(`process-${this.#next++}`, process)
      this.#started.set(started.id, started)
      return { process_id: started.id, status: "running", output: "" } satisfies ProcessResult
    }).pipe(settle)
  }

  read(parameters: Parameters<"read_process">) {
    const wait = waitOf(parameters)
    if (Option.isNone(wait)) {
      return Effect.succeed(problem("InvalidArgument", "read_process: wait_seconds must be from 0 to 300"))
    }
    const { wait_for } = parameters
    const enough = (unread: string) =>
      unread.length > this.#environment.maxCharacters || wait_for !== undefined && unread.includes(wait_for)
    return this.#with(
      parameters.process_id,
      (started) => Effect.zipRight(follow(started, enough, wait.value), describe(this.#environment, started))
    )
  }

  kill({ process_id }: Parameters<"kill_process">) {
    return this.#with(process_id, (started) =>
      Effect.gen(this, function*() {
        yield* started.process.stop
        yield* follow(started, (unread) => unread.length > this.#environment.maxCharacters, Duration.seconds(5))
        return yield* describe(this.#environment, started)
      }))
  }

  #with<A>(id: string, use: (started: Started) => Effect.Effect<A, ProcessFailure>) {
    const started = this.#started.get(id)
    return started === undefined
      ? Effect.succeed(
        problem("NotFound", `there is no process ${id}; started were: ${[...this.#started.keys()].join(", ")}`)
      )
      : settle(started.turn.withPermits(1)(use(started)))
  }
}

export const make = (environment: Environment) => {
  const processes = new Processes(environment)
  return {
    start_process: (parameters: Parameters<"start_process">) => processes.start(parameters),
    read_process: (parameters: Parameters<"read_process">) => processes.read(parameters),
    kill_process: (parameters: Parameters<"kill_process">) => processes.kill(parameters)
  }
}
