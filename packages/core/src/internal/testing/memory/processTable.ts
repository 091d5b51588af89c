/** The processes of a session. A command runs for as long as its scripted output comes. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Take from "effect/Take"
import { blockSize } from "../../session/processes/scripts.js"
import { concat } from "../../wire/text/bytes.js"
import type { CommandOutput } from "./answers.js"
import { defaultTimeout } from "./script.js"
import type { UnscriptedError } from "./unscripted.js"

export interface StartRequest {
  readonly key: string
  readonly run: string
  readonly command: string
  readonly cwd: string
  readonly envs: Readonly<Record<string, string>>
  readonly timeout: Duration.Duration | undefined
  readonly hasStdin: boolean
}

export interface ReadRequest {
  /** Offsets; below 0 leaves the stream out. */
  readonly stdout: number
  readonly stderr: number
  readonly blocks: number
  readonly wait: Duration.Duration
}

interface ProcessTableOptions {
  /** The pieces of the output of a command. */
  readonly answer: (
    request: Omit<StartRequest, "timeout"> & {
      readonly timeout: Duration.Duration
      readonly stdin: Stream.Stream<Uint8Array>
    }
  ) => Effect.Effect<Stream.Stream<CommandOutput>, UnscriptedError>
  /** Starts a fiber of the server. */
  readonly fork: (effect: Effect.Effect<void>) => Effect.Effect<Fiber.RuntimeFiber<void>>
}

interface Running {
  readonly pid: number
  readonly run: string
  readonly startedAt: number
  readonly output: { readonly stdout: Array<Uint8Array>; readonly stderr: Array<Uint8Array> }
  readonly ports: Set<number>
  readonly stdin: Queue.Queue<Take.Take<Uint8Array>> | undefined
  stdinSize: number
  isStdinClosed: boolean
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** What the session records of its end. */
  end: string | undefined
}

/** The numbers of the signals that end a command which does not expect them. */
const signalNumbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15
}

/** Those that end nothing. */
const harmlessSignals = ["CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "WINCH"]

/** Aligned to blocks, as `dd` reads. */
const partOf = (bytes: Uint8Array, offset: number, blocks: number): string => {
  if (offset < 0 || bytes.length <= offset) return ""
  const start = Math.floor(offset / blockSize) * blockSize
  return `${Encoding.encodeBase64(bytes.subarray(start, start + blocks * blockSize))}\n`
}

export class ProcessTable {
  readonly #options: ProcessTableOptions
  readonly #processes = new Map<string, Running>()
  #changed = Deferred.unsafeMake<void>(FiberId.none)
  #pid = 100

  constructor(options: ProcessTableOptions) {
    this.#options = options
  }

  #touch(): void {
    Deferred.unsafeDone(this.#changed, Effect.void)
    this.#changed = Deferred.unsafeMake<void>(FiberId.none)
  }

  /** Waits until there is something to say, or the time is over. */
  #until(isThere: () => boolean, wait: Duration.Duration): Effect.Effect<void> {
    const look: Effect.Effect<void> = Effect.suspend(() =>
      isThere() ? Effect.void : Effect.zipRight(Deferred.await(this.#changed), look)
    )
    return Effect.asVoid(Effect.timeoutOption(look, wait))
  }

  #printState({ pid, run }: Running): string {
    return `agb state ${pid} ${pid - 1} - ${run}\n`
  }

  start(request: StartRequest): Effect.Effect<string, UnscriptedError> {
    return Effect.gen(this, function*() {
      const found = this.#processes.get(request.key)
      if (found !== undefined) return this.#printState(found)
      const stdin = request.hasStdin ? yield* Queue.unbounded<Take.Take<Uint8Array>>() : undefined
      const outputs = yield* this.#options.answer({
        ...request,
        timeout: request.timeout ?? defaultTimeout,
        stdin: stdin === undefined ? Stream.empty : Stream.flattenTake(Stream.fromQueue(stdin))
      })
      const process: Running = {
        pid: this.#pid += 2,
        run: request.run,
        startedAt: yield* Clock.currentTimeMillis,
        output: { stdout: [], stderr: [] },
        ports: new Set(),
        stdin,
        stdinSize: 0,
        isStdinClosed: false,
        fiber: undefined,
        end: undefined
      }
      this.#processes.set(request.key, process)
      process.fiber = yield* this.#options.fork(this.#follow(process, outputs, request.timeout))
      return this.#printState(process)
    })
  }

  #follow(process: Running, outputs: Stream.Stream<CommandOutput>, timeout: Duration.Duration | undefined) {
    let status = 0
    const all = Stream.runForEach(
      outputs,
      ({ exitCode = status, port, stderr = "", stdout = "" }) =>
        Effect.sync(() => {
          status = exitCode
          if (stdout !== "") process.output.stdout.push(new TextEncoder().encode(stdout))
          if (stderr !== "") process.output.stderr.push(new TextEncoder().encode(stderr))
          if (port !== undefined) process.ports.add(port)
          this.#touch()
        })
    )
    const inTime = timeout === undefined ? Effect.asSome(all) : Effect.timeoutOption(all, timeout)
    return Effect.flatMap(
      inTime,
      (ended) => Option.isSome(ended) ? this.#record(process, status, "-") : this.#record(process, 137, "KILL", true)
    )
  }

  /** The first record of an end stands. */
  #record(process: Running, status: number, signal: string, isLate = false): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      process.end ??= `${status} ${signal} ${isLate ? 1 : 0} ${Math.round((now - process.startedAt) / 10)} -`
      process.ports.clear()
      this.#touch()
    })
  }

  #signal(process: Running, signal: string): Effect.Effect<void> {
    return Effect.flatMap(
      this.#record(process, 128 + (signalNumbers[signal] ?? 0), signal),
      () => Effect.sync(() => process.fiber?.unsafeInterruptAsFork(FiberId.none))
    )
  }

  /** Prints about a process, if there is one. */
  #about<E>(key: string, print: (process: Running) => Effect.Effect<string, E>): Effect.Effect<string, E> {
    return Effect.suspend(() => {
      const process = this.#processes.get(key)
      return process === undefined ? Effect.succeed("agb none\n") : print(process)
    })
  }

  find(key: string): Effect.Effect<string> {
    return this.#about(key, (process) => Effect.succeed(this.#printState(process)))
  }

  read(key: string, { blocks, stderr, stdout, wait }: ReadRequest): Effect.Effect<string> {
    return this.#about(key, (process) => {
      const bytes = (name: "stdout" | "stderr") => concat(process.output[name])
      const isThere = () =>
        process.end !== undefined ||
        stdout >= 0 && bytes("stdout").length > stdout ||
        stderr >= 0 && bytes("stderr").length > stderr
      return Effect.map(this.#until(isThere, wait), () => {
        const sizeOf = (name: "stdout" | "stderr", offset: number) => offset < 0 ? -1 : bytes(name).length
        return [
          `agb read ${sizeOf("stdout", stdout)} ${sizeOf("stderr", stderr)} ${process.end ?? "-"}\n`,
          `${partOf(bytes("stdout"), stdout, blocks)}agb part\n`,
          `${partOf(bytes("stderr"), stderr, blocks)}agb part\n`,
          "agb done\n"
        ].join("")
      })
    })
  }

  kill(key: string, signal: string): Effect.Effect<string> {
    return this.#about(key, (process) => {
      if (harmlessSignals.includes(signal)) return Effect.succeed("agb killed\n")
      return signal in signalNumbers
        ? Effect.as(this.#signal(process, signal), "agb killed\n")
        : Effect.succeed("agb unknown\n")
    })
  }

  end(key: string, removes: boolean): Effect.Effect<string> {
    const ended = this.#about(key, (process) => Effect.as(this.#signal(process, "TERM"), "agb ended\n"))
    if (!removes) return ended
    return Effect.map(ended, () => {
      this.#processes.delete(key)
      return "agb ended\n"
    })
  }

  write(key: string, offset: number, bytes: Uint8Array): Effect.Effect<string> {
    return this.#about(key, (process) => {
      const { isStdinClosed, stdin, stdinSize: size } = process
      if (stdin === undefined) return Effect.succeed("agb stdin none\n")
      if (isStdinClosed || process.end !== undefined) return Effect.succeed(`agb stdin closed ${size}\n`)
      const fresh = bytes.subarray(offset < 0 ? 0 : size - offset)
      process.stdinSize += fresh.length
      const offered = fresh.length === 0 ? Effect.void : Queue.offer(stdin, Take.of(fresh))
      return Effect.as(offered, `agb stdin at ${process.stdinSize}\n`)
    })
  }

  closeStdin(key: string): Effect.Effect<string> {
    return this.#about(key, (process) => {
      if (process.stdin === undefined) return Effect.succeed("agb stdin none\n")
      const ended = process.isStdinClosed ? Effect.void : Queue.offer(process.stdin, Take.end)
      process.isStdinClosed = true
      return Effect.as(ended, "agb stdin closed 0\n")
    })
  }

  waitForPort(key: string, port: number, wait: Duration.Duration): Effect.Effect<string> {
    return this.#about(
      key,
      (process) =>
        Effect.map(this.#until(() => process.end !== undefined || this.#listens(port), wait), () => {
          if (this.#listens(port)) return "agb port open\n"
          return process.end === undefined ? "agb port waiting\n" : `agb port ended ${process.end}\n`
        })
    )
  }

  /** Whatever process listens. */
  waitForLink(port: number, wait: Duration.Duration): Effect.Effect<string> {
    return Effect.map(
      this.#until(() => this.#listens(port), wait),
      () => this.#listens(port) ? "agb open\n" : "agb waiting\n"
    )
  }

  #listens(port: number): boolean {
    return [...this.#processes.values()].some(({ ports }) => ports.has(port))
  }

  get list(): Effect.Effect<string> {
    return Effect.sync(() =>
      [...this.#processes].map(([key, { end }]) => `agb item ${key} ${end ?? "-"}\n`).join("") + "agb done\n"
    )
  }

  /** The session has ended, and with it all of them. */
  endAll(): void {
    for (const { fiber } of this.#processes.values()) fiber?.unsafeInterruptAsFork(FiberId.none)
  }
}
