/** Runs operations on one session, or on something in it, over its connection. */
import * as Effect from "effect/Effect"
import type { Agb } from "../../../Agb.js"
import type { OperationResult } from "../../../OperationResult.js"
import type { Session } from "../../session/session.js"
import type { Connection } from "../connection/connection.js"
import type { Held } from "../connection/heldScopes.js"
import type { LastingOperation, Operation, StreamOperation } from "../operation.js"

export class SessionInvoker<Subject = Session> {
  readonly #connection: Connection
  readonly #subject: Effect.Effect<Subject, never, Agb>

  constructor(connection: Connection, subject: Effect.Effect<Subject, never, Agb>) {
    this.#connection = connection
    this.#subject = subject
  }

  answer<Args, A, Result>(
    operation: Operation<Subject, Args, A, Result>,
    args: object,
    options: unknown
  ): Promise<Result> {
    return this.#connection.answer(operation, this.#subject, args, options)
  }

  iterate<Args, A>(
    source: StreamOperation<Subject, Args, A>,
    args: object,
    options: unknown
  ): AsyncIterableIterator<A> {
    return this.#connection.iterate(source, this.#subject, args, options)
  }

  acquire<Args, A>(
    operation: LastingOperation<Subject, Args, A>,
    args: object,
    options: unknown
  ): Promise<OperationResult<Held<A>>> {
    return this.#connection.acquire(operation, this.#subject, args, options)
  }

  release(held: Held<unknown>): Promise<void> {
    return this.#connection.release(held)
  }

  /** Runs operations on something that was found in the session. */
  on<Other>(subject: Other): SessionInvoker<Other> {
    return new SessionInvoker(this.#connection, Effect.succeed(subject))
  }
}
