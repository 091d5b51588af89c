/** Reading unknown values, with the name of what is not as it should be. */
import { assert } from "@effect/vitest"
import type { Json } from "./recordings.js"

export const isText = (value: unknown, what: string): string => {
  assert.isString(value, what)
  return value as string
}

export const filled = (value: unknown, what: string): string => {
  assert.isNotEmpty(isText(value, what), what)
  return value as string
}

export const fields = (value: unknown, what: string): Json => {
  assert.isTrue(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is an object`)
  return value as Json
}

export const list = (value: unknown, what: string): ReadonlyArray<unknown> => {
  assert.isArray(value, what)
  return value as ReadonlyArray<unknown>
}

export const json = (value: unknown, what: string): unknown => JSON.parse(isText(value, what))

export const nothing = (data: unknown): void => assert.isUndefined(data, "data")
