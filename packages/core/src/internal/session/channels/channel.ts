/**
 * A channel to a command in a session: its output and its input as bytes, neither of which is ever stored on disk. What holds it
 * open is a process of the session, so that it ends with its scope as other processes do.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { InvalidRequestError } from "../../../AgbError.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as control from "../processes/control.js"
import type { ProcessFailure } from "../processes/model.js"
import * as processes from "../processes/processes.js"
import * as scripts from "../processes/scripts.js"
import type { Driver } from "./driver.js"
import { perlDriver } from "./perlDriver.js"
import { pythonDriver } from "./pythonDriver.js"
import * as requests from "./request.js"

/**
 * What a channel runs. `@shell` and `@python` stand for the interpreters of the session, `@directory` for the directory of its
 * process, which goes when it is released.
 */
export interface Spec {
  readonly argv: ReadonlyArray<string>
  readonly envs: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  /** The size of its terminal; without one it runs on pipes. */
  readonly size: { readonly columns: number; readonly rows: number } | undefined
  /** Programs that it needs beside Python. */
  readonly requires?: ReadonlyArray<string> | undefined
}

/** The outcome of the command, as the session recorded it. */
export interface Exit {
  readonly exitCode: number
  readonly signal: Option.Option<string>
  readonly duration: Duration.Duration
}

/** Bytes of output in one call. As base64 they stay under the 1 MiB of output that sessions keep by default. */
const mostBytes = 704 * 1024

const leastBytes = 8 * 1024

/** Bytes of input in one call: as base64 they fit into one argument of a command. */
const pieceBytes = 48 * 1024

/** How long one write waits for room. */
const roomWait = Duration.seconds(15)

const exitOf = ([code = "", signal = "", millis = ""]: ReadonlyArray<string>): Exit | undefined =>
  /^\d{1,3}$/.test(code) && /^(-|SIG[A-Z0-9+-]{1,12})$/.test(signal) && /^\d{1,15}$/.test(millis)
    ? {
      exitCode: Number(code),
      signal: signal === "-" ? Option.none() : Option.some(signal),
      duration: Duration.millis(Number(millis))
    }
    : undefined

/** A channel that is open. */
export class Channel {
  readonly #target: requests.Target
  readonly #reading = Effect.unsafeMakeSemaphore(1)
  readonly #writing = Effect.unsafeMakeSemaphore(1)
  #read = 0
  #isEnded = false
  #mostBytes = mostBytes
  /** How much input was sent; undefined while it is not certain how much of it has arrived. */
  #written: number | undefined = 0

  constructor(target: requests.Target) {
    this.#target = target
  }

  /** The next piece of output, or none after the last. Each piece is given to one reader. */
  read(operation: string): Effect.Effect<Option.Option<Uint8Array>, ProcessFailure> {
    return this.#reading.withPermits(1)(
      Effect.suspend(() => this.#isEnded ? Effect.succeedNone : this.#readPiece(operation))
    )
  }

  /** Writes all bytes once, after what was written before. */
  write(operation: string, bytes: Uint8Array): Effect.Effect<void, ProcessFailure> {
    const pieces = Array.from(
      { length: Math.ceil(bytes.length / pieceBytes) },
      (_, index) => bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)
    )
    return this.#writing.withPermits(1)(
      Effect.forEach(pieces, (piece) => this.#writePiece(operation, piece), { discard: true })
    )
  }

  /** Waits for the end of the command. */
  exit(operation: string): Effect.Effect<Exit, ProcessFailure> {
    const wait = control.longestWait
    const request = { operation, words: `exit ${Duration.toMillis(wait)}`, retrySafety: "safe", wait } as const
    const isWaiting = ({ words }: requests.Reply) => words[0] === "waiting"
    return Effect.flatMap(control.paced(requests.send(this.#target, request), isWaiting), (reply) => {
      if (isWaiting(reply)) return this.exit(operation)
      const exit = reply.words[0] === "ended" ? exitOf(reply.words.slice(1)) : undefined
      return exit === undefined ? Effect.fail(requests.malformed(request)) : Effect.succeed(exit)
    })
  }

  resize(operation: string, columns: number, rows: number): Effect.Effect<void, ProcessFailure> {
    return this.#expect(operation, `resize ${columns} ${rows}`, "resized")
  }

  /** Sends a signal, by its name without `SIG`, to the process group of the command, once. */
  signal(operation: string, name: string): Effect.Effect<void, ProcessFailure> {
    return this.#expect(
      operation,
      `signal ${processes.newId()} ${name}`,
      "sent",
      () => processes.unknownSignal(operation, `SIG${name}`)
    )
  }

  #readPiece(operation: string): Effect.Effect<Option.Option<Uint8Array>, ProcessFailure> {
    const wait = control.longestWait
    const words = `read ${this.#read} ${this.#mostBytes} ${Duration.toMillis(wait)}`
    const request = { operation, words, retrySafety: "safe", wait } as const
    const isIdle = ({ bytes, isCut, words }: requests.Reply) => !isCut && bytes.length === 0 && words[2] === "more"
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(control.paced(requests.send(this.#target, request), isIdle)), (reply) => {
        const { bytes, isCut, words: [kind, size, state] } = reply
        const isPossible = kind === "read" && (state === "more" || state === "ended")
        if (!isPossible || !isCut && size !== String(bytes.length) || isCut && this.#mostBytes <= leastBytes) {
          return Effect.fail(requests.malformed(request))
        }
        if (isCut) this.#mostBytes >>= 1
        this.#read += bytes.length
        this.#isEnded = !isCut && state === "ended"
        if (bytes.length > 0) return Effect.succeedSome(bytes)
        return this.#isEnded ? Effect.succeedNone : restore(this.#readPiece(operation))
      })
    )
  }

  #writePiece(operation: string, bytes: Uint8Array, tries = 3): Effect.Effect<void, ProcessFailure> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen(this, function*() {
        const offset = this.#written ?? (yield* restore(this.#arrived(operation)))
        this.#written = undefined
        const words = `write ${processes.newId()} ${offset} ${Duration.toMillis(roomWait)}`
        const request = { operation, words, bytes, retrySafety: "idempotent", wait: roomWait } as const
        const [kind, size] = yield* restore(this.#writeOnce(request))
        if (kind === "ended") return yield* control.processError(operation, this.#target.key, "Ended")
        // A write that was given up has arrived late, and this one not at all.
        if (kind === "moved" && tries > 0) return yield* restore(this.#writePiece(operation, bytes, tries - 1))
        if (kind !== "at" || size !== String(offset + bytes.length)) return yield* requests.malformed(request)
        this.#written = offset + bytes.length
      })
    )
  }

  /** The same request is sent until there was room for it. */
  #writeOnce(request: requests.Request): Effect.Effect<ReadonlyArray<string>, ProcessFailure> {
    const isFull = ({ words }: requests.Reply) => words[0] === "full"
    return Effect.flatMap(
      control.paced(requests.send(this.#target, request), isFull),
      (reply) => isFull(reply) ? this.#writeOnce(request) : Effect.succeed(reply.words)
    )
  }

  #arrived(operation: string): Effect.Effect<number, ProcessFailure> {
    const request = { operation, words: "at", retrySafety: "safe" } as const
    return Effect.flatMap(
      requests.send(this.#target, request),
      ({ words: [kind, size = ""] }) =>
        kind === "at" && /^\d{1,15}$/.test(size)
          ? Effect.succeed(Number(size))
          : Effect.fail(requests.malformed(request))
    )
  }

  #expect(
    operation: string,
    words: string,
    word: string,
    unknown?: () => InvalidRequestError
  ): Effect.Effect<void, ProcessFailure> {
    const request = { operation, words, retrySafety: "idempotent" } as const
    return Effect.flatMap(requests.send(this.#target, request), (reply) => {
      if (reply.words[0] === word) return Effect.void
      return Effect.fail(reply.words[0] === "unknown" && unknown ? unknown() : requests.malformed(request))
    })
  }
}

const configOf = ({ argv, envs, size }: Spec): string => {
  const kind = size === undefined ? "pipes" : "terminal"
  const entries = Object.entries(envs).map(([name, value]) => `${name}=${value}`)
  return Encoding.encodeBase64(
    [kind, size?.columns ?? 0, size?.rows ?? 0, argv.length, ...argv, ...entries].join("\0")
  )
}

const commandOf = (driver: Driver, key: string, spec: Spec): string =>
  `${scripts.directory(key)}
exec ${driver.start} "$dir" <<'agb'
${configOf(spec)}
agb`

/** Waits until the driver listens. */
const ready = (key: string): string =>
  `${scripts.directory(key)}
${scripts.pause}
cd "$dir" 2>/dev/null || { echo "agb none"; exit 0; }
idle=0
while ! [ -e calls ] && ! [ -e failed ] && ! [ -e exit ] && [ "$idle" -lt 36 ]; do pause "$idle"; idle=$((idle + 1)); done
if [ -e calls ]; then echo "agb ready"
elif [ -e failed ]; then echo "agb missing $(cat failed)"
else echo "agb failed"; tail -c 1000 stderr
fi`

/** Time for the driver to start, on a machine that is busy. */
const readyWait = Duration.seconds(30)

/** What can hold a channel open, the preferred first. */
const drivers: ReadonlyArray<Driver> = [pythonDriver, perlDriver]

const lacks = (error: ProcessFailure, name: string): boolean =>
  error._tag === "ProcessError" && error.reason === "Unsupported" && error.detail === control.lacking(name)

/** Starts the first driver that the session has the program for. */
const start = (
  toolCall: ToolCall,
  operation: string,
  key: string,
  spec: Spec
): Effect.Effect<Driver, ProcessFailure> => {
  const usable = spec.argv[0] === "@python" ? [pythonDriver] : drivers
  const tried = usable.map((driver) =>
    Effect.as(
      processes.start({ toolCall, sessionId: "" }, operation, key, {
        command: commandOf(driver, key, spec),
        cwd: spec.cwd,
        envs: {},
        timeoutSeconds: undefined,
        hasStdin: false,
        requires: [driver.name, ...spec.requires ?? []]
      }),
      driver
    )
  )
  const names = usable.map(({ name }) => name)
  return tried.reduceRight(
    (others, one, index) =>
      Effect.catchAll(one, (error) => lacks(error, names[index] ?? "") ? others : Effect.fail(error)),
    Effect.fail(
      control.processError(operation, key, "Unsupported", control.lacking(names.join(" or ")))
    ) as typeof tried[0]
  )
}

/** Starts a command with a channel to it, both of which end with the scope. */
export const open = (
  toolCall: ToolCall,
  operation: string,
  spec: Spec
): Effect.Effect<Channel, ProcessFailure, Scope.Scope> =>
  Effect.gen(function*() {
    const key = processes.newId()
    yield* Effect.addFinalizer(() => processes.release({ toolCall, operation, key }))
    const driver = yield* start(toolCall, operation, key, spec)
    const script = { operation, key, text: ready(key), retrySafety: "safe", wait: readyWait } as const
    const printed = yield* control.run(toolCall, script)
    const [state] = control.wordsOf(printed)
    if (state === "none") return yield* control.processError(operation, key, "Gone")
    if (state !== "ready") {
      const detail = printed.lines.slice(1).join("\n").trim().slice(-500)
      return yield* control.processError(operation, key, "Other", detail === "" ? "it did not start in time" : detail)
    }
    return new Channel({ toolCall, key, driver })
  })
