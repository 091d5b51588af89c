import { assert } from "@effect/vitest"
import { Effect } from "effect"

/** The error of an effect that must fail with this tag. */
export const failsWith = <A, E extends { readonly _tag: string }, R, const Tag extends E["_tag"]>(
  effect: Effect.Effect<A, E, R>,
  tag: Tag,
  title = ""
): Effect.Effect<Extract<E, { readonly _tag: Tag }>, never, R> =>
  Effect.match(effect, {
    onSuccess: (value) => assert.fail(`${title} expected ${tag}, but it succeeded with ${JSON.stringify(value)}`),
    onFailure: (error) => {
      assert.strictEqual(error._tag, tag, `${title} ${error}`)
      return error as Extract<E, { readonly _tag: Tag }>
    }
  })
