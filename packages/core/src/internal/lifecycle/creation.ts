/** A create from its request to the moment at which somebody owns its session. Its state changes in single steps. */
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import type { ClientError } from "../../AgbError.js"
import { releasedAtOnce, serviceEnds } from "./serviceEnd.js"

type State<H> =
  | { readonly _tag: "Pending" }
  | { readonly _tag: "Ready"; readonly sessionId: string; readonly handle: H }
  | { readonly _tag: "Claimed" }
  | { readonly _tag: "Released"; readonly sessionId: string }

export class Creation<H> {
  /** The fiber that makes the attempts, once it has started. */
  fiber: Fiber.RuntimeFiber<void, ClientError> | undefined
  #state: State<H> = { _tag: "Pending" }
  #isAbandoned = false

  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** The session was created. Returns false if nobody waits for it: it must be deleted. */
  offer(sessionId: string, handle: H): boolean {
    this.#state = this.#isAbandoned ? { _tag: "Released", sessionId } : { _tag: "Ready", sessionId, handle }
    return !this.#isAbandoned
  }

  /** Nobody waits for the session any more. Returns its id if there is one to delete. */
  abandon(): string | undefined {
    this.#isAbandoned = true
    if (this.#state._tag !== "Ready") return undefined
    const { sessionId } = this.#state
    this.#state = { _tag: "Released", sessionId }
    return sessionId
  }

  /** The caller takes the session, unless it was taken away. */
  claim(): Either.Either<{ readonly sessionId: string; readonly handle: H }, ClientError> {
    const state = this.#state
    switch (state._tag) {
      case "Ready":
        this.#state = { _tag: "Claimed" }
        return Either.right(state)
      case "Released":
        return Either.left(releasedAtOnce(state.sessionId))
      default:
        return Either.left(serviceEnds("Session.make"))
    }
  }
}
