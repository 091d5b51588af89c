/** The low-level client of the promise API. */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agb } from "../../Agb.js"
import { type EndpointName, type Endpoints, endpoints, type ReplyOf, type RequestOf } from "../../AgbApi.js"
import type { AgbError } from "../../AgbError.js"
import type { OperationResult } from "../../OperationResult.js"
import type { Connection } from "./connection/connection.js"
import * as operations from "./operation.js"
import * as results from "./results.js"

/**
 * One method per endpoint, under its wire name.
 */
export type Client = {
  readonly [K in EndpointName]: (
    request: RequestOf<Endpoints[K]>,
    options?: operations.CallOptions
  ) => Promise<OperationResult<ReplyOf<Endpoints[K]>>>
}

const call = (name: EndpointName) =>
  operations.make(name, { request: Schema.Unknown }, results.data(), (agb: Agb.Service, { request }) => {
    const method: (request: never) => Effect.Effect<unknown, AgbError> = agb.client[name]
    return method(request as never)
  })

export const make = (connection: Connection): Client => {
  const method = (name: EndpointName) => {
    const operation = call(name)
    return (request: unknown, options?: unknown) => connection.answer(operation, Agb, { request }, options)
  }
  const names = Object.keys(endpoints) as ReadonlyArray<EndpointName>
  return Object.fromEntries(names.map((name) => [name, method(name)])) as unknown as Client
}
