/** Runs operations on one session over its connection. */
import type * as Effect from "effect/Effect"
import type { Agb } from "../../Agb.js"
import type { Session } from "../session/session.js"
import type { Connection } from "./connection.js"
import type { Operation, StreamOperation } from "./operation.js"

export class SessionInvoker {
  readonly #connection: Connection
  readonly #session: Effect.Effect<Session, never, Agb>

  constructor(connection: Connection, session: Effect.Effect<Session, never, Agb>) {
    this.#connection = connection
    this.#session = session
  }

  answer<Args, A, Result>(
    operation: Operation<Session, Args, A, Result>,
    args: object,
    options: unknown
  ): Promise<Result> {
    return this.#connection.answer(operation, this.#session, args, options)
  }

  iterate<Args, A>(
    source: StreamOperation<Session, Args, A>,
    args: object,
    options: unknown
  ): AsyncIterableIterator<A> {
    return this.#connection.iterate(source, this.#session, args, options)
  }
}
