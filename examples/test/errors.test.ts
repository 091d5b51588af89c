import * as Core from "@effect-agb/core"
import * as AgbContract from "@effect-agb/core/AgbContract"
import * as AgbTest from "@effect-agb/core/AgbTest"
import * as PlatformNode from "@effect-agb/platform-node"
import * as compat from "@effect-agb/platform-node/compat"
import { assert, describe, it } from "@effect/vitest"
import { Predicate } from "effect"
import { page } from "./support/markdown.js"

interface Row {
  readonly tag: string
  readonly mayHaveHappened: string
  readonly retryable: string
}

const rows: ReadonlyArray<Row> = page("docs/errors.md").text.split("\n").flatMap((line) => {
  const [, tag = "", , mayHaveHappened = "", retryable = "", advice = ""] = line.split("|").map((cell) => cell.trim())
  const name = /^`(\w+)`$/.exec(tag)?.[1]
  return name === undefined || name === "_tag" || advice === "" ? [] : [{ tag: name, mayHaveHappened, retryable }]
})

type ErrorClass = new(fields: object, options: object) => Error

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && value.prototype instanceof Error

/** Without its fields an error has only what holds for each of its kind. */
const bare = (Class: ErrorClass): object => new Class({}, { disableValidation: true })

/** It follows from another field. */
const isComputed = (Class: ErrorClass, field: string): boolean =>
  Object.getOwnPropertyDescriptor(Class.prototype, field)?.get !== undefined

const cell = (Class: ErrorClass, error: object, field: "mayHaveHappened" | "retryable"): string =>
  isComputed(Class, field) || !Predicate.hasProperty(error, field) ? "varies" : error[field] === true ? "yes" : "no"

/** The modules of the barrels, and those with errors that are in none. */
const exported = [...Object.values(Core), ...Object.values(PlatformNode), AgbContract, AgbTest, compat]
  .flatMap((module): ReadonlyArray<unknown> => Object.values(module))
  .filter(isErrorClass)

const rowOf = (Class: ErrorClass): Row => {
  const error = bare(Class)
  const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : Class.name
  const isOfCalls = Core.AgbError.isAgbError(error)
  return {
    tag,
    mayHaveHappened: isOfCalls ? cell(Class, error, "mayHaveHappened") : "–",
    retryable: isOfCalls ? cell(Class, error, "retryable") : "–"
  }
}

const byTag = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => [...rows].sort((a, b) => a.tag < b.tag ? -1 : 1)

describe("the page about errors", () => {
  it("has every error that is exported, and says of each whether the work may have happened", () => {
    assert.isAbove(rows.length, 20)
    assert.deepStrictEqual(byTag(rows), byTag([...new Set(exported)].map(rowOf)))
  })
})
