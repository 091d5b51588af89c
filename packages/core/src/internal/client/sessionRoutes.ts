/** The routes of a client to a session itself, beside the API: its link and its WebSocket. */
import type * as Effect from "effect/Effect"
import type { ClientError } from "../../AgbError.js"
import type { ReplyOf, RequestOf } from "../wire/endpoints/endpoint.js"
import type { callLink } from "../wire/endpoints/link.js"
import type { CallOptions } from "./callOptions.js"
import type { Retrier } from "./retry/retry.js"
import type { Transport } from "./transport/exchange.js"

export type LinkMethod = (
  request: RequestOf<typeof callLink>,
  options?: CallOptions
) => Effect.Effect<ReplyOf<typeof callLink>, ClientError>

export interface SessionRoutes {
  readonly transport: Transport.Service
  readonly retrier: Retrier
  /** The call of tools over the link of a session. The API key is not sent there. */
  readonly link: (linkUrl: string, token: string) => LinkMethod
}

const routes = new WeakMap<object, SessionRoutes>()

/** Gives a client its routes. */
export const attach = <C extends object>(client: C, own: SessionRoutes): C => {
  routes.set(client, own)
  return client
}

/** The routes of a client; one that was made elsewhere has none. */
export const of = (client: object): SessionRoutes | undefined => routes.get(client)
