/** Deletions of sessions, each in a fiber of its own that outlives who asked for it. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import type { ClientError } from "../../AgbError.js"
import type { Jobs } from "./jobs.js"
import { serviceEnds } from "./serviceEnd.js"

/** Waits for a deletion. */
export type Pending = Deferred.Deferred<void, ClientError>

export class Removals {
  readonly #jobs: Jobs
  readonly #remove: (sessionId: string) => Effect.Effect<void, ClientError>
  readonly #pending = new Map<string, Pending>()

  constructor(jobs: Jobs, remove: (sessionId: string) => Effect.Effect<void, ClientError>) {
    this.#jobs = jobs
    this.#remove = remove
  }

  /** The sessions that are being deleted. */
  get sessionIds(): ReadonlyArray<string> {
    return [...this.#pending.keys()]
  }

  /** Starts the deletion of a session, unless it is being deleted. */
  start(sessionId: string): Effect.Effect<Pending> {
    return Effect.suspend(() => {
      const known = this.#pending.get(sessionId)
      if (known !== undefined) return Effect.succeed(known)
      const pending: Pending = Deferred.unsafeMake(FiberId.none)
      this.#pending.set(sessionId, pending)
      return Effect.as(
        this.#jobs.start(this.#remove(sessionId), (exit) => {
          this.#pending.delete(sessionId)
          Deferred.unsafeDone(pending, Exit.isInterrupted(exit) ? Effect.fail(serviceEnds("Agb.delete")) : exit)
        }),
        pending
      )
    }).pipe(Effect.uninterruptible)
  }

  /** Deletes a session. An interruption ends the wait, not the deletion. */
  remove(sessionId: string): Effect.Effect<void, ClientError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.start(sessionId), (pending) => restore(Deferred.await(pending)))
    )
  }

  /** Deletes sessions; returns whether all are gone. */
  removeAll(sessionIds: Iterable<string>): Effect.Effect<boolean> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forEach([...sessionIds], (sessionId) => this.start(sessionId)), (all) =>
        Effect.map(
          restore(Effect.forEach(all, (pending) => Effect.exit(Deferred.await(pending)))),
          (exits) => exits.every(Exit.isSuccess)
        ))
    )
  }
}
