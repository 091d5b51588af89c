/**
 * Cancellation over HTTP. Each message comes in a request of its own, so that the protocol of `@effect/rpc` cannot know which other request a
 * `notifications/cancelled` is about. Here the client gets a session id when it initializes, which it sends from then on; its requests are known by
 * that and by their own id, which alone would not do: all clients count from 0.
 */
import * as Headers from "@effect/platform/Headers"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

const sessionHeader = "mcp-session-id"

interface Message {
  readonly method?: unknown
  readonly id?: unknown
  readonly params?: unknown
}

/** What is no message is answered by the server. */
const messageOf = (body: string): Message => {
  try {
    const parsed: unknown = JSON.parse(body)
    return Predicate.isRecord(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

const keyOf = (session: string, id: unknown): string => JSON.stringify([session, id])

const requestIdOf = ({ params }: Message): unknown => Predicate.isRecord(params) ? params.requestId : undefined

/** The answer to a request that was cancelled, whose client no longer waits, and to what needs none. */
const nothing = HttpServerResponse.empty({ status: 202 })

/** The requests that are under way, each with what ends it. */
export class Cancellation {
  readonly #running = new Map<string, Deferred.Deferred<void>>()

  wrap<E, R>(app: HttpApp.Default<E, R>) {
    return Effect.gen(this, function*() {
      const { headers, text } = yield* HttpServerRequest.HttpServerRequest
      const message = messageOf(yield* text)
      if (message.method === "initialize") {
        return HttpServerResponse.setHeader(yield* app, sessionHeader, globalThis.crypto.randomUUID())
      }
      const session = Headers.get(headers, sessionHeader)
      if (Option.isNone(session)) return yield* app
      if (message.method === "notifications/cancelled") return yield* this.#cancel(session.value, requestIdOf(message))
      return message.id === undefined ? yield* app : yield* this.#run(keyOf(session.value, message.id), app)
    })
  }

  #cancel(session: string, id: unknown) {
    const cancelled = this.#running.get(keyOf(session, id))
    return Effect.as(cancelled === undefined ? Effect.void : Deferred.succeed(cancelled, void 0), nothing)
  }

  #run<E, R>(key: string, app: HttpApp.Default<E, R>) {
    return Effect.gen(this, function*() {
      const cancelled = yield* Deferred.make<void>()
      this.#running.set(key, cancelled)
      // Servers run all but the handlers of routes uninterruptibly, so that neither could end the other.
      return yield* Effect.interruptible(Effect.raceFirst(app, Effect.as(Deferred.await(cancelled), nothing))).pipe(
        Effect.ensuring(Effect.sync(() => this.#running.get(key) === cancelled && this.#running.delete(key)))
      )
    })
  }
}
