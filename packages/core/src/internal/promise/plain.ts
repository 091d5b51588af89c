/** Values without `Option`, for programs that do not use Effect. */
import * as Option from "effect/Option"

/** The same record, whose optional values are absent or plain. */
export type Plain<A> =
  & { readonly [K in keyof A as A[K] extends Option.Option<unknown> ? never : K]: A[K] }
  & {
    readonly [K in keyof A as A[K] extends Option.Option<unknown> ? K : never]?: Option.Option.Value<
      A[K] & Option.Option<unknown>
    >
  }

export const plain = <A extends object>(record: A): Plain<A> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([key, value]: [string, unknown]) =>
      !Option.isOption(value) ? [[key, value]] : Option.isSome(value) ? [[key, value.value]] : []
    )
  ) as Plain<A>
