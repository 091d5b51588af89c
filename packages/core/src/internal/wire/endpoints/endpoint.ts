/** Type of an endpoint, and the schemas shared by endpoint declarations. */
import * as Schema from "effect/Schema"
import { withLazyFields } from "../lazyFields.js"

/**
 * Whether a call may be retried after an ambiguous failure (RFC 9110, 9.2): `safe` changes nothing, `idempotent` has the
 * same effect however often it is made, `unsafe` is never retried. A call that cannot have reached the server, or was
 * rejected with 429, may always be retried.
 */
export type RetrySafety = "safe" | "idempotent" | "unsafe"

/**
 * Rule that classifies a reply as success. `strict`: status 200 and `success: true`; `lenient`: status below 400 and
 * `success: true`; `data`: status below 400 and a session id in `data` (`createSession`); `link`: status 2xx and `data`, whatever
 * `success` says (the link route).
 */
export type SuccessRule = "strict" | "lenient" | "data" | "link"

export interface Endpoint<Q extends object, QI, B extends object, BI, R, RI> {
  readonly name: string
  readonly method: "GET" | "POST"
  readonly path: string
  readonly query: Schema.Schema<Q, QI>
  readonly body: Schema.Schema<B, BI>
  readonly reply: Schema.Schema<R, RI>
  readonly retrySafety: RetrySafety
  readonly successRule: SuccessRule
}

/**
 * The request of an endpoint: the fields of its query and body.
 */
export type RequestOf<E> = E extends Endpoint<infer Q, infer _QI, infer B, infer _BI, infer _R, infer _RI>
  ? { readonly [K in keyof (Q & B)]: (Q & B)[K] }
  : never

/**
 * The decoded reply of an endpoint.
 */
export type ReplyOf<E> = E extends Endpoint<infer _Q, infer _QI, infer _B, infer _BI, infer R, infer _RI> ? R : never

type SchemaFields = "query" | "body" | "reply"

/** An endpoint whose schemas are built when they are first used: most programs call few of the endpoints. */
type Declaration<E extends { readonly [K in SchemaFields]: unknown }> =
  & Omit<E, SchemaFields>
  & {
    readonly [K in SchemaFields]: () => E[K]
  }

/** Declares an endpoint. */
export const endpoint = <Q extends object, QI, B extends object, BI, R, RI>(
  { body, query, reply, ...rest }: Declaration<Endpoint<Q, QI, B, BI, R, RI>>
): Endpoint<Q, QI, B, BI, R, RI> => withLazyFields(rest, { query, body, reply })

/** The declaration of an endpoint, as a basis of another one. */
export const like = <Q extends object, QI, B extends object, BI, R, RI>(
  self: Endpoint<Q, QI, B, BI, R, RI>
): Declaration<Endpoint<Q, QI, B, BI, R, RI>> => ({
  name: self.name,
  method: self.method,
  path: self.path,
  query: () => self.query,
  body: () => self.body,
  reply: () => self.reply,
  retrySafety: self.retrySafety,
  successRule: self.successRule
})

/** No fields. `Schema.Struct({})` alone would accept any value and keep its fields. */
export const empty = Schema.transform(Schema.Struct({}), Schema.Struct({}), {
  strict: true,
  decode: () => ({}),
  encode: () => ({})
})

/** A reply taken from the `data` field of the envelope. */
export const data = <A, I>(schema: Schema.Schema<A, I>) => Schema.pluck(Schema.Struct({ data: schema }), "data")

/** A reply without content. */
export const acknowledged = Schema.transform(empty, Schema.Void, {
  strict: true,
  decode: () => undefined,
  encode: () => ({})
})
