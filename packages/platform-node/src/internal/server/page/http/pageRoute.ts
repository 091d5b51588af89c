/** A route of a page: who may use it, and what it does. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { Exchange } from "../../http/exchange.js"
import type { LocalSession } from "../../sessions/localSession.js"
import type { Access } from "../access/doors.js"

export interface PageRoute<Place> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly path: RegExp
  /** What a visitor needs. */
  readonly access: Access
  readonly handle: (place: Place, exchange: Exchange, found: ReadonlyArray<string>) => Effect.Effect<void, ApiError>
}

/** Somebody on the page of a session. */
export interface SessionVisit {
  readonly session: LocalSession
  readonly access: Access
  readonly host: string
}

export const invalid = (message: string) => new ApiError({ status: 400, code: "InvalidParameter", message })

const readOnly = new ApiError({
  status: 403,
  code: "Forbidden.ReadOnly",
  message: "This page is read-only: it shows the session and changes nothing."
})

const unknown = new ApiError({ status: 404, code: "NotFound", message: "the page has no such address" })

const wrongMethod = new ApiError({ status: 405, code: "MethodNotAllowed", message: "this is asked for in another way" })

export const mustSteer = (access: Access): Effect.Effect<void, ApiError> =>
  access === "steer" ? Effect.void : Effect.fail(readOnly)

/** Hands over to the first route that fits. */
export const dispatch = <Place extends { readonly access: Access }>(
  routes: ReadonlyArray<PageRoute<Place>>,
  place: Place,
  exchange: Exchange
): Effect.Effect<void, ApiError> => {
  const method = exchange.method === "HEAD" ? "GET" : exchange.method
  const fitting = routes.filter(({ path }) => path.test(exchange.path))
  const route = fitting.find((route) => route.method === method)
  if (route === undefined) return Effect.fail(fitting.length === 0 ? unknown : wrongMethod)
  const [, ...found] = route.path.exec(exchange.path) ?? []
  return Effect.zipRight(
    route.access === "steer" ? mustSteer(place.access) : Effect.void,
    route.handle(place, exchange, found)
  )
}
