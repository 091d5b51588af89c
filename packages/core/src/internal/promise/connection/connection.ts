/**
 * Connection of an `AGB`: one runtime, started on first use, and the sessions that it owns. It runs operations and converts
 * their outcomes to promises of results.
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
import { Agb, type CreateOptions, type DeleteOptions } from "../../../Agb.js"
import type { AgbConfig } from "../../../AgbConfig.js"
import { type AgbError, InvalidRequestError } from "../../../AgbError.js"
import type { Input } from "../../../CreateSessionParams.js"
import type { OperationResult } from "../../../OperationResult.js"
import * as RequestId from "../../client/requestId.js"
import type { Session } from "../../session/session.js"
import type { LastingOperation, Operation, StreamOperation } from "../operation.js"
import * as results from "../results.js"
import { type Held, HeldScopes } from "./heldScopes.js"
import { iterate, type RequestIterator } from "./iterate.js"
import { backgroundClock, KeepAliveRef } from "./keepAliveRef.js"
import type { SessionOwner, SessionOwners } from "./sessionOwner.js"

const disposed = (operation: string) =>
  new InvalidRequestError({
    operation,
    field: "agb",
    given: "a disposed AGB",
    expected: "an AGB that has not been disposed"
  })

/** Only the signal and the disposal of the runtime interrupt a call. */
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

/** Permits of the semaphore that `dispose` takes to wait for all creates in flight. */
const allPermits = Number.MAX_SAFE_INTEGER

/** How long the service may still look for, and delete, the session of a create that failed or was aborted. */
const unsettledTime = "2 minutes"

/** Creates a session that ends with the program, whoever deletes it. */
const createOwned = (agb: Agb.Service, params: Input, options?: CreateOptions): Effect.Effect<Session, AgbError> =>
  Effect.flatMap(Effect.scoped(agb.deletions), ({ create }) => create(params, options))

export class Connection implements SessionOwner {
  readonly #layer: Layer.Layer<Agb, AgbError>
  readonly #owned = new Set<string>()
  readonly #owners: SessionOwners | undefined
  readonly #held = new HeldScopes(() => this.#announce())
  readonly #creating = Effect.unsafeMakeSemaphore(allPermits)
  readonly #closing = Deferred.unsafeMake<void>(FiberId.none)
  #config: AgbConfig.Service | undefined
  #runtime: ManagedRuntime.ManagedRuntime<Agb, AgbError> | undefined
  readonly #processRef = new KeepAliveRef()
  #started = false
  #creates = 0
  #unsettled = 0
  #disposal: Promise<void> | undefined

  constructor(
    layer: Layer.Layer<Agb, AgbError>,
    config: AgbConfig.Service | undefined,
    owners: SessionOwners | undefined
  ) {
    this.#config = config
    this.#owners = owners
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

  /** The configuration of the calls. For `LayerOptions` it is unknown until the runtime has started. */
  get config(): AgbConfig.Service | undefined {
    return this.#config
  }

  /** Runs an operation. Rejects only with the reason of an aborted signal or with a defect. */
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
    // The fiber runs only this call, so the FiberRef needs no reset.
    const work = Effect.zipRight(FiberRef.set(RequestId.current, cell), Effect.flatMap(subject, (s) => run(s, call)))
    const exit = await this.#run(work, call.signal)
    return settle(operation, exit, cell.value, call.signal)
  }

  /** Runs an operation whose value lasts until `release`, or the disposal. */
  acquire<Subject, Args, A>(
    { acquire, check, name }: LastingOperation<Subject, Args, A>,
    subject: Effect.Effect<Subject, never, Agb>,
    args: object,
    options: unknown
  ): Promise<OperationResult<Held<A>>> {
    const run = (subject: Subject, args: Args) => this.#held.acquire(acquire(subject, args))
    return this.answer({ name, check, run, shape: results.data<Held<A>>() }, subject, args, options)
  }

  /** Ends what an operation has acquired. Repeated calls have no effect. */
  async release(held: Held<unknown>, exit: Exit.Exit<unknown, unknown> = Exit.void): Promise<void> {
    await this.#processRef.during(() => Effect.runPromise(held.release(exit)))
  }

  /** Iterates over the values of a stream. Invalid arguments and failures are thrown by `next`. */
  iterate<Subject, Args, A>(
    { check, name, open }: StreamOperation<Subject, Args, A>,
    subject: Effect.Effect<Subject, never, Agb>,
    args: object,
    options: unknown
  ): RequestIterator<A> {
    const checked = check(args, options)
    const cell: RequestId.RequestIdCell = { value: "" }
    const stream = Either.isLeft(checked)
      ? Stream.fail(checked.left)
      : Stream.unwrap(Effect.map(subject, (subject) => open(subject, checked.right)))
    const signal = Either.isLeft(checked) ? undefined : checked.right.signal
    const run = <B>(effect: Effect.Effect<B, AgbError, Agb>, signal: AbortSignal) =>
      this.#value(name, Effect.zipRight(FiberRef.set(RequestId.current, cell), effect), signal)
    return iterate(run, stream, signal, cell)
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

  /** Discards a runtime that failed to start, so that the next call tries again. */
  async #run<A>(
    effect: Effect.Effect<A, AgbError, Agb>,
    signal: AbortSignal | undefined
  ): Promise<Exit.Exit<A, AgbError>> {
    const runtime = this.#runtime ??= ManagedRuntime.make(this.#layer)
    const exit = await this.#processRef.during(() => runtime.runPromiseExit(effect, { signal }))
    if (!this.#started && this.#runtime === runtime && Exit.isFailure(exit) && !Cause.isInterrupted(exit.cause)) {
      this.#runtime = undefined
      await runtime.dispose()
    }
    return exit
  }

  /** Whether this connection created the session and has not deleted it. */
  owns(sessionId: string): boolean {
    return this.#owned.has(sessionId)
  }

  get sessionIds(): ReadonlyArray<string> {
    return [...this.#owned]
  }

  /** Creates that are not answered yet. */
  get creates(): number {
    return this.#creates
  }

  #announce(): void {
    const count = this.#owned.size + this.#creates + this.#unsettled + this.#held.size
    if (count > 0) this.#owners?.add(this)
    else this.#owners?.delete(this)
  }

  /** Counts a create without a session for as long as one may turn up. */
  readonly #holdUnsettled = Effect.suspend(() => {
    this.#unsettled += 1
    this.#announce()
    const settle = Effect.sync(() => {
      this.#unsettled -= 1
      this.#announce()
    })
    return Effect.forkDaemon(Effect.interruptible(Effect.zipRight(Effect.sleep(unsettledTime), settle)))
  })

  #countCreate(step: 1 | -1): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#creates += step
      this.#announce()
    })
  }

  /** Creates a session and owns it. If an abort or the disposal arrives too late, the session is deleted. */
  create(agb: Agb.Service, params: Input, options?: CreateOptions): Effect.Effect<Session, AgbError> {
    return Effect.suspend(() => {
      let session: Session | undefined
      const own = (created: Session) => {
        this.#owned.add(created.sessionId)
        this.#announce()
        return session = created
      }
      const creation = Effect.uninterruptible(
        this.#countCreate(1).pipe(
          Effect.zipRight(Effect.map(createOwned(agb, params, options), own)),
          Effect.onError(() => this.#holdUnsettled),
          Effect.ensuring(this.#countCreate(-1))
        )
      )
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

  /** Deletes a session and drops the ownership. */
  remove(agb: Agb.Service, sessionId: string, options?: DeleteOptions): Effect.Effect<void, AgbError> {
    return Effect.map(agb.delete(sessionId, options), () => {
      this.#owned.delete(sessionId)
      this.#announce()
    })
  }

  /** Deletes the owned sessions and disposes the runtime. */
  dispose(): Promise<void> {
    return this.#disposal ??= this.#processRef.during(() => this.#end())
  }

  async #end(): Promise<void> {
    const runtime = this.#runtime
    if (runtime === undefined) return
    Deferred.unsafeDone(this.#closing, Exit.void)
    try {
      if (this.#started) await runtime.runPromiseExit(Effect.zipRight(this.#held.releaseAll, this.#removeOwned))
      await runtime.dispose()
    } finally {
      this.#owners?.delete(this)
    }
  }

  /** Sessions that cannot be deleted are reported by the service; its end must not spend their budget once more. */
  readonly #removeOwned = Effect.flatMap(Agb, (agb) =>
    Effect.zipRight(
      this.#creating.take(allPermits),
      Effect.flatMap(Effect.scoped(agb.deletions), ({ remove }) =>
        Effect.forEach(
          [...this.#owned],
          (sessionId) => Effect.ignore(Effect.map(remove(sessionId), () => this.#owned.delete(sessionId))),
          { concurrency: "unbounded", discard: true }
        ))
    ))
}
