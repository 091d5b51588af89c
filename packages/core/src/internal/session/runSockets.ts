/**
 * Streamed runs of one session over its WebSocket. The socket is opened by the first run that needs it and shared by all; it is
 * closed with the session, or when it was not used for a while, and opened again on demand.
 */
import * as Chunk from "effect/Chunk"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ClientError, TransportError } from "../../AgbError.js"
import { cancellable } from "../client/deadline/cancellation.js"
import * as deadlines from "../client/deadline/deadlines.js"
import { isSessionGone } from "../client/envelope.js"
import type { Socket, SocketListener } from "../client/transport/socket.js"
import type { SessionState } from "../lifecycle/sessionState.js"
import type { RunFrame } from "../wire/runFrames.js"
import type { RunCall, RunFailure } from "./runCall.js"
import { type Run, RunConnection } from "./runConnection.js"

export interface RunSocketsOptions {
  /** Opens a socket. Fails with errors of a run that was never sent. */
  readonly open: (operation: string, listener: SocketListener) => Effect.Effect<Socket, ClientError>
  readonly state: SessionState
  readonly target: string
  readonly canCancel: boolean
}

/** Streams the frames of a run: all that was received, and last one that ends it or the failure. */
export interface RunStreams {
  readonly stream: (operation: string, run: Run) => Stream.Stream<RunFrame, RunFailure>
}

interface Opening {
  readonly fiber: Fiber.RuntimeFiber<RunConnection, ClientError>
  waiting: number
}

/** Calls a function when the session is lost; returns one that takes this back. Fails if it is lost already. */
const onLost = ({ guard }: SessionState, operation: string, cancel: (error: ClientError) => void) =>
  guard(operation, "unsafe", (onCancel) => Effect.sync(() => onCancel(cancel)))

export class RunSockets implements RunStreams {
  readonly #options: RunSocketsOptions
  /** Takes new runs. */
  #current: RunConnection | undefined
  #opening: Opening | undefined
  readonly #connections = new Set<RunConnection>()
  #isWatching = false

  constructor(options: RunSocketsOptions) {
    this.#options = options
  }

  stream(operation: string, run: Run): Stream.Stream<RunFrame, RunFailure> {
    return Stream.unwrapScoped(
      Effect.map(
        Effect.clockWith((clock) => this.#begin(operation, run, clock)),
        ({ take }) => Stream.repeatEffectChunkOption(Effect.map(take, Chunk.unsafeFromArray))
      )
    )
  }

  /** Starts a run, which ends with the scope. The time to connect counts towards its deadline. */
  #begin(operation: string, run: Run, clock: Clock.Clock): Effect.Effect<RunCall, RunFailure, Scope.Scope> {
    const deadline = clock.unsafeCurrentTimeMillis() + run.deadlineMillis
    return Effect.uninterruptibleMask((restore) => {
      const attempt: Effect.Effect<RunCall, RunFailure, Scope.Scope> = Effect.suspend(() => {
        const left = () => deadline - clock.unsafeCurrentTimeMillis()
        return Effect.flatMap(
          restore(this.#connect(operation, left())),
          (connection) =>
            Effect.flatMap(
              this.#start(operation, connection, { ...run, deadlineMillis: left() }),
              (call) => call ?? attempt
            )
        )
      })
      return Effect.zipRight(this.#watched(operation), attempt)
    })
  }

  /** Starts a run, unless the connection was retired in the meantime. */
  #start(
    operation: string,
    connection: RunConnection,
    run: Run
  ): Effect.Effect<Effect.Effect<RunCall> | undefined, ClientError, Scope.Scope> {
    let call: RunCall | undefined
    return Effect.flatMap(
      onLost(this.#options.state, operation, (error) => call?.fail(error)),
      (unregister) =>
        Effect.suspend(() => {
          if (!connection.takesRuns) {
            unregister()
            return Effect.succeed(undefined)
          }
          const started = call = connection.start(run)
          const release = Effect.sync(() => {
            unregister()
            connection.release(started)
          })
          return Effect.as(Effect.addFinalizer(() => release), Effect.succeed(started))
        })
    )
  }

  /** A connection for a run, within its time and while the session is there. */
  #connect(operation: string, millis: number): Effect.Effect<RunConnection, ClientError> {
    const tooLate = () =>
      new TransportError({
        operation,
        reason: "Timeout",
        detail: `no connection within ${millis} ms`,
        mayHaveHappened: false,
        retryable: true
      })
    return this.#options.state.guard(
      operation,
      "safe",
      (onLost) =>
        deadlines.run(millis, tooLate, onLost, (onCancel) => cancellable(this.#connection(operation), onCancel))
    )
  }

  /** Closes the sockets when the session is lost. Runs have heard of it before, since they listen since before. */
  #watched(operation: string): Effect.Effect<void, ClientError> {
    if (this.#isWatching) return Effect.void
    this.#isWatching = true
    return Effect.asVoid(
      onLost(this.#options.state, operation, (error) => {
        for (const connection of [...this.#connections]) connection.close(error)
      })
    )
  }

  /** The connection for a new run. Runs that start at the same time wait for the same one. */
  #connection(operation: string): Effect.Effect<RunConnection, ClientError> {
    return Effect.suspend(() => {
      if (this.#current?.takesRuns) return Effect.succeed(this.#current)
      const opening = this.#opening
      return opening === undefined
        ? Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(
            Effect.forkDaemon(Effect.interruptible(this.#open(operation))),
            (fiber) => restore(this.#join(this.#opening = { fiber, waiting: 0 }))
          )
        )
        : this.#join(opening)
    })
  }

  /** The last one that stops waiting gives up the opening. */
  #join(opening: Opening): Effect.Effect<RunConnection, ClientError> {
    opening.waiting += 1
    return Effect.onExit(Fiber.join(opening.fiber), () => {
      opening.waiting -= 1
      if (opening.waiting > 0) return Effect.void
      if (this.#opening === opening) this.#opening = undefined
      return Fiber.interruptFork(opening.fiber)
    })
  }

  #open(operation: string): Effect.Effect<RunConnection, ClientError> {
    return Effect.clockWith((clock) => {
      const { canCancel, open, state, target } = this.#options
      const connection: RunConnection = new RunConnection({
        clock,
        canCancel,
        target,
        onRetired: () => {
          if (this.#current === connection) this.#current = undefined
        },
        onAborted: (code) => {
          if (isSessionGone(code)) Effect.runSync(state.markLost("NotFound"))
        },
        onClosed: () => this.#connections.delete(connection)
      })
      return Effect.uninterruptibleMask((restore) =>
        Effect.map(restore(open(operation, connection)), (socket) => {
          this.#connections.add(connection)
          connection.open(socket)
          this.#opening = undefined
          return this.#current = connection
        })
      )
    })
  }
}
