/** What an endpoint is, and the small pieces that every endpoint is made of. */
import * as Schema from "effect/Schema"

/**
 * Whether a call may be repeated once it may have happened (RFC 9110, 9.2): `safe` changes nothing, `idempotent` has the
 * same effect however often it is made, `unsafe` is never repeated. A call that cannot have reached the server, or was
 * answered with 429, may always be repeated.
 */
export type RetrySafety = "safe" | "idempotent" | "unsafe"

/**
 * How a reply is classified as a success. `strict`: status exactly 200 and `success: true`; `lenient`: status below 400 and
 * `success: true`; `data`: by the content of `data` alone (createSession).
 */
export type SuccessRule = "strict" | "lenient" | "data"

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
 * The request of an endpoint: the fields of its query and of its body together.
 */
export type RequestOf<E> = E extends Endpoint<infer Q, infer _QI, infer B, infer _BI, infer _R, infer _RI>
  ? { readonly [K in keyof (Q & B)]: (Q & B)[K] }
  : never

/**
 * The decoded reply of an endpoint.
 */
export type ReplyOf<E> = E extends Endpoint<infer _Q, infer _QI, infer _B, infer _BI, infer R, infer _RI> ? R : never

/** Infers the types of an endpoint. */
export const endpoint = <Q extends object, QI, B extends object, BI, R, RI>(
  self: Endpoint<Q, QI, B, BI, R, RI>
): Endpoint<Q, QI, B, BI, R, RI> => self

/** No fields at all. The empty struct alone would let every field pass. */
export const nothing = Schema.transform(Schema.Struct({}), Schema.Struct({}), {
  strict: true,
  decode: () => ({}),
  encode: () => ({})
})

/** A reply that is what stands in the envelope under `data`. */
export const data = <A, I>(schema: Schema.Schema<A, I>) => Schema.pluck(Schema.Struct({ data: schema }), "data")

/** A reply that only says that it was done. */
export const acknowledged = Schema.transform(nothing, Schema.Void, {
  strict: true,
  decode: () => undefined,
  encode: () => ({})
})

/** A field of a request that may be left out, which some clients write as `null`. */
export const optional = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(schema, { exact: true, nullable: true })
