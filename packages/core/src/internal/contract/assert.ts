/** Assertions that need no framework. */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { showJson } from "../wire/codecs.js"

/**
 * A backend does not keep to the contract. Cases die with it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ContractViolation extends Schema.TaggedError<ContractViolation>("@effect-agb/core/ContractViolation")(
  "ContractViolation",
  { detail: Schema.String, actual: Schema.Unknown, expected: Schema.Unknown }
) {
  override get message(): string {
    return this.detail
  }
}

const longest = 1000

const show = (value: unknown): string => {
  const text = typeof value === "string" ? JSON.stringify(value) : value === undefined ? "undefined" : showJson(value)
  return text.length <= longest ? text : `${text.slice(0, longest)}…`
}

const refuse = (actual: unknown, expected: unknown, relation: string, what = ""): never => {
  const prefix = what === "" ? "" : `${what}: `
  throw new ContractViolation({
    detail: `${prefix}expected ${show(actual)} ${relation} ${show(expected)}`,
    actual,
    expected
  })
}

const isDeepEqual = (one: unknown, other: unknown): boolean => {
  if (Object.is(one, other) || Equal.equals(one, other)) return true
  if (Array.isArray(one) || Array.isArray(other)) {
    return Array.isArray(one) && Array.isArray(other) && one.length === other.length &&
      one.every((item, index) => isDeepEqual(item, other[index]))
  }
  if (!Predicate.isRecord(one) || !Predicate.isRecord(other)) return false
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isDeepEqual(one[key], other[key]))
}

const hasAll = (actual: unknown, expected: object): boolean =>
  Predicate.isRecord(actual) && Object.entries(expected).every(([key, value]) => isDeepEqual(actual[key], value))

const sorted = (items: ReadonlyArray<unknown>): ReadonlyArray<string> => items.map(show).sort()

export const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const isTrue = (value: boolean, what?: string): void => {
  if (!value) refuse(value, true, "to be", what)
}

export const assert = {
  fail: (detail: string): never => {
    throw new ContractViolation({ detail, actual: undefined, expected: undefined })
  },
  strictEqual: (actual: unknown, expected: unknown, what?: string): void => {
    if (!Object.is(actual, expected)) refuse(actual, expected, "to be", what)
  },
  deepStrictEqual: (actual: unknown, expected: unknown, what?: string): void => {
    if (!isDeepEqual(actual, expected)) refuse(actual, expected, "to equal", what)
  },
  isTrue,
  isFalse: (value: boolean, what?: string): void => isTrue(!value, what),
  isUndefined: (value: unknown): void => {
    if (value !== undefined) refuse(value, undefined, "to be")
  },
  isString: (value: unknown): void => isTrue(typeof value === "string", show(value)),
  isNotEmpty: (value: string | undefined): void => isTrue(value !== undefined && value !== "", show(value)),
  isAbove: (value: number, least: number): void => {
    if (!(value > least)) refuse(value, least, "to be above")
  },
  /** A text in a text, or fields of an object. */
  include: (actual: unknown, expected: string | object): void => {
    const isThere = typeof expected === "string"
      ? typeof actual === "string" && actual.includes(expected)
      : hasAll(actual, expected)
    if (!isThere) refuse(actual, expected, "to include")
  },
  includeMembers: (actual: ReadonlyArray<unknown>, expected: ReadonlyArray<unknown>): void => {
    if (!expected.every((item) => actual.some((one) => isDeepEqual(one, item)))) refuse(actual, expected, "to include")
  },
  sameMembers: (actual: ReadonlyArray<unknown>, expected: ReadonlyArray<unknown>): void => {
    if (!isDeepEqual(sorted(actual), sorted(expected))) refuse(actual, expected, "to have the members of")
  },
  deepInclude: (actual: unknown, expected: object): void => {
    if (!hasAll(actual, expected)) refuse(actual, expected, "to include")
  },
  instanceOf: (actual: unknown, expected: abstract new(...args: Array<never>) => unknown): void =>
    isTrue(actual instanceof expected, `${show(actual)} is ${expected.name}`)
} as const

/** The error of an effect that must fail with this tag. */
export const failsWith = <A, E extends { readonly _tag: string }, R, const Tag extends E["_tag"]>(
  effect: Effect.Effect<A, E, R>,
  tag: Tag
): Effect.Effect<Extract<E, { readonly _tag: Tag }>, never, R> =>
  Effect.match(effect, {
    onSuccess: (value) => assert.fail(`expected ${tag}, but it succeeded with ${show(value)}`),
    onFailure: (error) => {
      assert.strictEqual(error._tag, tag, String(error))
      return error as Extract<E, { readonly _tag: Tag }>
    }
  })
