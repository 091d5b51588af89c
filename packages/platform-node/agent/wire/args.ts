/** Validated arguments of a call: each function fails with EINVAL and the name of the argument. */
import { isAbsolute } from "node:path"
import { Failure } from "./failure.js"

export type Args = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is Args =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const invalid = (name: string, wanted: string) => new Failure("EINVAL", `Invalid argument: ${name} must be ${wanted}`)

export const stringArg = (args: Args, name: string) => {
  const value = args[name]
  if (typeof value !== "string") throw invalid(name, "a string")
  return value
}

/** An absolute path. */
export const pathArg = (args: Args, name: string) => {
  const value = stringArg(args, name)
  if (value.includes("\0")) throw invalid(name, "a path without NUL characters")
  if (!isAbsolute(value)) throw new Failure("EINVAL", `Not an absolute path: ${name} is ${JSON.stringify(value)}`)
  return value
}

/** A non-negative number, rounded down; `undefined` if it is absent or null. */
export const countArg = (args: Args, name: string) => {
  const value = args[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw invalid(name, "a number, not negative")
  return Math.floor(value)
}

export const stringListArg = (args: Args, name: string) => {
  const value = args[name] ?? []
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) throw invalid(name, "a list of strings")
  return value as ReadonlyArray<string>
}

/** Environment variables. */
export const variablesArg = (args: Args, name: string): Readonly<Record<string, string>> => {
  const value = args[name] ?? {}
  if (!isRecord(value)) throw invalid(name, "an object of strings")
  for (const [key, item] of Object.entries(value)) {
    if (!/^[^=\0]+$/.test(key)) throw invalid(`the name of ${name}.${JSON.stringify(key)}`, "free of = and NUL")
    if (typeof item !== "string" || item.includes("\0")) throw invalid(`${name}.${key}`, "a string without NUL")
  }
  return value as Record<string, string>
}
