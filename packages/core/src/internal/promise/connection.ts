/**
 * What stands behind an `AGB`: one runtime, started on first use, and the sessions that it created and has not deleted.
 * It turns operations into promises of results.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Agb } from "../../Agb.js"
import type { AgbConfig } from "../../AgbConfig.js"
import { type AgbError, InvalidRequestError } from "../../AgbError.js"
import type { Input } from "../../CreateSessionParams.js"
import * as RequestId from "../client/requestId.js"
import type { Session } from "../session/session.js"
import { iterate } from "./iterate.js"
import { backgroundClock, KeepAliveRef } from "./keepAliveRef.js"
import type { Operation, StreamOperation } from "./operation.js"

const disposed = (operation: string) =>
  new InvalidRequestError({
    operation,
    field: "agb",
    given: "one that was disposed",
    expected: "an AGB that is not disposed"
  })

/** Nothing but the signal and the end of the runtime interrupts a call. */
const reasonOf = (operation: string, cause: Cause.Cause<unknown>, signal: AbortSignal | undefined): unknown => {
  if (signal?.aborted && Cause.isInterrupted(cause)) return signal.reason
  return Cause.isInterruptedOnly(cause) ? disposed(operation) : Cause.squash(cause)
}

const settle = <Subject, Args, A, Result>(
  { name, shape }: Operation<Subject, Args, A, Result>,
  exit: Exit.Exit<A, AgbError>,
  requestId: string,
  signal: AbortSignal | undefined
): Result => {
  if (Exit.isSuccess(exit)) return shape.onSuccess(requestId, exit.value)
  const failure = Cause.failureOption(exit.cause)
  if (Option.isSome(failure)) return shape.onFailure(requestId, failure.value)
  const reason = reasonOf(name, exit.cause, signal)
  if (reason instanceof InvalidRequestError) return shape.onFailure(requestId, reason)
  throw reason
}

/** More creations than this are never under way at once. */
const creations = Number.MAX_SAFE_INTEGER

export class Connection {
  readonly #layer: Layer.Layer<Agb, AgbError>
  readonly #held = new Set<string>()
  readonly #creating = Effect.unsafeMakeSemaphore(creations)
  readonly #closing = Deferred.unsafeMake<void>(FiberId.none)
  #config: AgbConfig.Service | undefined
  #runtime: ManagedRuntime.ManagedRuntime<Agb, AgbError> | undefined
  readonly #hold = new KeepAliveRef()
  #started = false
  #disposal: Promise<void> | undefined

  constructor(layer: Layer.Layer<Agb, AgbError>, config: AgbConfig.Service | undefined) {
    this.#config = config
    this.#layer = layer.pipe(
      Layer.tap((context) =>
        Effect.sync(() => {
          this.#started = true
          this.#config = Context.get(context, Agb).client.config
        })
      ),
      Layer.provideMerge(Layer.setClock(backgroundClock()))
    )
  }

  /** What the calls are made with; unknown until the runtime has started, if it brings its own. */
  get config(): AgbConfig.Service | undefined {
    return this.#config
  }

  /** Runs an operation. It rejects with the reason of an aborted signal, with defects, and with nothing else. */
  async answer<Subject, Args, A, Result>(
    operation: Operation<Subject, Args, A, Result>,
    subject: Effect.Effect<Subject, never, Agb>,
    args: object,
    options: unknown
  ): Promise<Result> {
    const { check, name, run, shape } = operation
    const checked = check(args, options)
    if (Either.isLeft(checked)) return shape.onFailure("", checked.left)
    const call = checked.right
    if (call.signal?.aborted) throw call.signal.reason
    if (this.#disposal !== undefined) return shape.onFailure("", disposed(name))
    const cell: RequestId.RequestIdCell = { value: "" }
    // The fiber is all this call's own, so that nothing needs to be put back.
    const work = Effect.zipRight(FiberRef.set(RequestId.current, cell), Effect.flatMap(subject, (s) => run(s, call)))
    const exit = await this.#run(work, call.signal)
    return settle(operation, exit, cell.value, call.signal)
  }

  /** A source as values to ask for. Bad arguments and failures are thrown when the first value is. */
  iterate<Subject, Args, A>(
    { check, name, open }: StreamOperation<Subject, Args, A>,
    subject: Effect.Effect<Subject, never, Agb>,
    args: object,
    options: unknown
  ): AsyncIterableIterator<A> {
    const checked = check(args, options)
    const stream = Either.isLeft(checked)
      ? Stream.fail(checked.left)
      : Stream.unwrap(Effect.map(subject, (subject) => open(subject, checked.right)))
    const signal = Either.isLeft(checked) ? undefined : checked.right.signal
    return iterate((effect, signal) => this.#value(name, effect, signal), stream, signal)
  }

  async #value<A>(
    operation: string,
    effect: Effect.Effect<A, AgbError, Agb>,
    signal: AbortSignal
  ): Promise<A> {
    if (signal.aborted) throw signal.reason
    if (this.#disposal !== undefined) throw disposed(operation)
    const exit = await this.#run(effect, signal)
    if (Exit.isSuccess(exit)) return exit.value
    throw Option.getOrElse(Cause.failureOption(exit.cause), () => reasonOf(operation, exit.cause, signal))
  }

  /** A start that failed is forgotten, so that the next call tries again. */
  async #run<A>(
    effect: Effect.Effect<A, AgbError, Agb>,
    signal: AbortSignal | undefined
  ): Promise<Exit.Exit<A, AgbError>> {
    const runtime = this.#runtime ??= ManagedRuntime.make(this.#layer)
    const exit = await this.#hold.during(() => runtime.runPromiseExit(effect, { signal }))
    if (!this.#started && this.#runtime === runtime && Exit.isFailure(exit) && !Cause.isInterrupted(exit.cause)) {
      this.#runtime = undefined
      await runtime.dispose()
    }
    return exit
  }

  holds(sessionId: string): boolean {
    return this.#held.has(sessionId)
  }

  /** Creates a session and holds it. One that an abort or the disposal came too late for is deleted. */
  create(agb: Agb.Service, params: Input): Effect.Effect<Session, AgbError> {
    return Effect.suspend(() => {
      let session: Session | undefined
      const hold = (created: Session) => {
        this.#held.add(created.sessionId)
        return session = created
      }
      const creation = Effect.uninterruptible(Effect.map(agb.create(params), hold))
      return Effect.raceFirst(
        this.#creating.withPermits(1)(creation),
        Effect.zipRight(Deferred.await(this.#closing), disposed("Session.make"))
      ).pipe(
        Effect.onInterrupt(() =>
          session === undefined ? Effect.void : Effect.forkDaemon(Effect.ignore(this.remove(agb, session.sessionId)))
        )
      )
    })
  }

  remove(agb: Agb.Service, sessionId: string): Effect.Effect<void, AgbError> {
    return Effect.map(agb.delete(sessionId), () => {
      this.#held.delete(sessionId)
    })
  }

  /** Deletes the sessions that are held and ends the runtime. */
  dispose(): Promise<void> {
    return this.#disposal ??= this.#hold.during(() => this.#end())
  }

  async #end(): Promise<void> {
    const runtime = this.#runtime
    if (runtime === undefined) return
    Deferred.unsafeDone(this.#closing, Exit.void)
    if (this.#started) await runtime.runPromiseExit(this.#removeHeld)
    await runtime.dispose()
  }

  /** What cannot be deleted was reported by the service. */
  readonly #removeHeld = Effect.flatMap(Agb, (agb) =>
    Effect.zipRight(
      this.#creating.take(creations),
      Effect.suspend(() =>
        Effect.forEach([...this.#held], (sessionId) => Effect.ignore(this.remove(agb, sessionId)), {
          concurrency: "unbounded",
          discard: true
        })
      )
    ))
}
