/** One kernel of a code context: a process of the session, and the channel to it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { ToolCall } from "../../../ToolCall.js"
import { finish } from "../../client/finalizers.js"
import type { Language } from "../../wire/language.js"
import * as channels from "../channels/channel.js"
import type { ProcessFailure } from "../processes/model.js"
import { javaKernel } from "./javaKernel.js"
import { javascriptKernel } from "./javascriptKernel.js"
import { type KernelEvent, KernelEvents } from "./kernelEvents.js"
import { pythonKernel } from "./pythonKernel.js"
import { rKernel } from "./rKernel.js"

export interface KernelOptions {
  readonly language: Language
  readonly cwd: string | undefined
  readonly envs: Readonly<Record<string, string>>
}

/** How long an interrupted run may go on before its kernel is killed. */
const gracePeriod = Duration.seconds(5)

/** For a fast start and a small footprint rather than peak speed. */
const javaOptions = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xmx1g -Dfile.encoding=UTF-8"

const startJava = `file=$1/Kernel.java
printf %s "$AGB_KERNEL" >"$file" && unset AGB_KERNEL && exec java ${javaOptions} --add-modules jdk.jshell "$file"`

const specs: Record<Language, (options: KernelOptions) => channels.Spec> = {
  python: ({ cwd, envs }) => ({
    argv: ["@python", "-X", "utf8", "-c", pythonKernel],
    envs,
    cwd,
    size: undefined
  }),
  javascript: ({ cwd, envs }) => ({
    // An interrupted timer callback leaves the async hooks stack inconsistent; Node would abort the process.
    argv: ["node", "--no-force-async-hooks-checks", "-e", javascriptKernel.main],
    envs: { ...envs, AGB_READER: javascriptKernel.reader },
    cwd,
    size: undefined,
    requires: ["node"]
  }),
  java: ({ cwd, envs }) => ({
    argv: ["@shell", "-c", startJava, "agb-kernel", "@directory"],
    envs: { ...envs, AGB_KERNEL: javaKernel },
    cwd,
    size: undefined,
    requires: ["java", "jshell"]
  }),
  r: ({ cwd, envs }) => ({
    argv: ["Rscript", "--vanilla", "-e", "eval(parse(text=Sys.getenv('AGB_KERNEL')))"],
    envs: { ...envs, AGB_KERNEL: rKernel },
    cwd,
    size: undefined,
    requires: ["Rscript"]
  })
}

export class Kernel {
  readonly #channel: channels.Channel
  readonly #scope: Scope.CloseableScope
  readonly #isSignalled: boolean
  readonly #events = new KernelEvents()
  /** Requests and signals one after the other: no signal meets a later run than that which it is for. */
  readonly #requests = Effect.unsafeMakeSemaphore(1)
  #isDead = false
  #runs = 0
  #current: number | undefined
  #starting: Fiber.Fiber<void, ProcessFailure> | undefined

  constructor(language: Language, channel: channels.Channel, scope: Scope.CloseableScope) {
    this.#channel = channel
    this.#scope = scope
    // Java ends at SIGINT; its kernel takes the request alone.
    this.#isSignalled = language !== "java"
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Starts a run; returns its number. The request is sent to its end, also when nobody waits for it any more. */
  start(operation: string, code: string): Effect.Effect<number, ProcessFailure> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const count = ++this.#runs
        this.#current = count
        const request = this.#requests.withPermits(1)(this.#request(operation, { count, code }))
        return Effect.flatMap(Effect.forkDaemon(Effect.interruptible(request)), (fiber) => {
          this.#starting = fiber
          return Effect.as(restore(Fiber.join(fiber)), count)
        })
      })
    )
  }

  /** The next events, or none when the kernel has ended. */
  next(operation: string): Effect.Effect<Option.Option<ReadonlyArray<KernelEvent>>, ProcessFailure> {
    return Effect.map(this.#channel.read(operation), (read) => {
      if (Option.isNone(read)) this.#isDead = true
      return Option.map(read, (bytes) => this.#noted(this.#events.take(bytes)))
    })
  }

  /** How the kernel has ended. */
  exit(operation: string): Effect.Effect<channels.Exit, ProcessFailure> {
    return this.#channel.exit(operation)
  }

  /** Interrupts the current run, if there is one. A kernel that has ended tells so by its events. */
  interrupt(operation: string): Effect.Effect<void, ProcessFailure> {
    const interrupted = this.#requests.withPermits(1)(Effect.suspend(() =>
      this.#current === undefined
        ? Effect.void
        : Effect.zipRight(
          this.#isSignalled ? this.#channel.signal(operation, "INT") : Effect.void,
          this.#request(operation, { interrupt: this.#current })
        )
    ))
    return Effect.catchIf(
      interrupted,
      (error) => error._tag === "ProcessError" && (error.reason === "Ended" || this.#isDead),
      () => Effect.void
    )
  }

  /**
   * Interrupts the current run and reads on until it has ended; a kernel that does not end it in time is killed. Returns the events of that
   * time, and whether the kernel has kept its state.
   */
  stop(operation: string): Effect.Effect<{ readonly events: ReadonlyArray<KernelEvent>; readonly stateKept: boolean }> {
    const events: Array<KernelEvent> = []
    const drained: Effect.Effect<boolean, ProcessFailure> = Effect.suspend(() =>
      this.#current === undefined ? Effect.succeed(true) : Effect.flatMap(this.next(operation), (found) => {
        if (Option.isNone(found)) return Effect.succeed(false)
        events.push(...found.value)
        return drained
      })
    )
    const isSent = this.#starting === undefined ? Effect.void : Fiber.await(this.#starting)
    const ended = Effect.zipRight(Effect.zipRight(isSent, this.interrupt(operation)), drained).pipe(
      Effect.timeoutTo({ duration: gracePeriod, onTimeout: () => false, onSuccess: (ended) => ended }),
      Effect.catchAll(() => Effect.succeed(false))
    )
    return finish(ended, Duration.times(gracePeriod, 2)).pipe(
      Effect.map(Option.getOrElse(() => false)),
      Effect.tap((stateKept) => stateKept ? Effect.void : this.end),
      Effect.map((stateKept) => ({ events, stateKept }))
    )
  }

  /** Ends the kernel with everything that it has started. */
  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#isDead = true
      return Scope.close(this.#scope, Exit.void)
    })
  }

  #noted(events: ReadonlyArray<KernelEvent>): ReadonlyArray<KernelEvent> {
    if (events.some((event) => event._tag === "Done" && event.count === this.#current)) this.#current = undefined
    return events
  }

  #request(operation: string, request: object): Effect.Effect<void, ProcessFailure> {
    return this.#channel.write(operation, new TextEncoder().encode(`${JSON.stringify(request)}\n`))
  }
}

/** Starts a kernel, which ends with the scope at the latest. */
export const open = (
  toolCall: ToolCall,
  operation: string,
  options: KernelOptions,
  scope: Scope.Scope
): Effect.Effect<Kernel, ProcessFailure> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const own = yield* Scope.fork(scope, scope.strategy)
      const spec = specs[options.language](options)
      const channel = yield* restore(Scope.extend(channels.open(toolCall, operation, spec), own)).pipe(
        Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
      )
      return new Kernel(options.language, channel, own)
    })
  )
