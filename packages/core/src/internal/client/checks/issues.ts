/** Converts schema issues to the field, its actual and its expected value, without quoting possible secrets. */
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { InvalidRequestError } from "../../../AgbError.js"
import { absent as absentOption } from "../../wire/options.js"

export interface Issue {
  readonly field: string
  /** The same without names that the value brought itself: a key of a record is `[key]`. */
  readonly place: string
  readonly expected: string
  readonly actual: unknown
  /** A field that the schema does not know. */
  readonly isUnknown: boolean
}

/** A step of a path, and whether the schema has a field of this name. */
interface Step {
  readonly name: PropertyKey
  readonly isDeclared: boolean
}

type Path = ReadonlyArray<Step>

const fieldOf = (path: Path): string => path.map(({ name }) => String(name)).join(".")

const placeOf = (path: Path): string =>
  path.map(({ isDeclared, name }) => isDeclared || typeof name === "number" ? String(name) : "[key]").join(".")

const issueAt = (path: Path, expected: string, actual: unknown, isUnknown = false): Issue => ({
  field: fieldOf(path),
  place: placeOf(path),
  expected,
  actual,
  isUnknown
})

const namesOf = (ast: AST.AST): ReadonlyArray<string> =>
  AST.isTypeLiteral(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []

const kinds: Partial<Record<AST.AST["_tag"], string>> = { TypeLiteral: "an object", TupleType: "an array" }

const expectation = (ast: AST.AST): string =>
  Option.getOrElse(AST.getDescriptionAnnotation(ast), () => kinds[ast._tag] ?? String(ast)).slice(0, 200)

/** The message of `JSON.parse` quotes the text and must not be used. */
const isJsonText = (ast: AST.AST): boolean => ast.annotations[AST.SchemaIdAnnotationId] === AST.ParseJsonSchemaId

const isMany = (
  issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>
): issues is readonly [ParseResult.ParseIssue, ...ReadonlyArray<ParseResult.ParseIssue>] => Array.isArray(issues)

const list = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** Members of a union that only make a field optional. */
const absent = new Set(["undefined", "null"])

/** For a union: the issue of the member that matched deepest, or the list of all members. */
const ofUnion = ({ actual, issues }: ParseResult.Composite, path: Path): Issue => {
  const leaves = (isMany(issues) ? issues : [issues]).map((issue) => leafOf(issue, path, []))
  const field = fieldOf(path)
  const furthest = leaves.find((leaf) => leaf.field !== field) ?? leaves.find((leaf) => leaf.actual !== actual)
  const expected = [...new Set(leaves.map((leaf) => leaf.expected))].filter((words) => !absent.has(words))
  return furthest ?? issueAt(path, list(expected), actual)
}

/** `names` are the fields that the schema around the issue declares. */
const leafOf = (issue: ParseResult.ParseIssue, path: Path, names: ReadonlyArray<string>): Issue => {
  switch (issue._tag) {
    case "Pointer": {
      const keys = [issue.path].flat() as ReadonlyArray<PropertyKey>
      const steps = keys.map((name, index) => ({ name, isDeclared: index === 0 && names.includes(String(name)) }))
      return leafOf(issue.issue, path.concat(steps), issue.issue._tag === "Unexpected" ? names : [])
    }
    case "Composite":
      if (AST.isUnion(issue.ast)) return ofUnion(issue, path)
      return leafOf(isMany(issue.issues) ? issue.issues[0] : issue.issues, path, namesOf(issue.ast))
    case "Refinement":
      return issue.kind === "Predicate"
        ? issueAt(path, expectation(issue.ast), issue.actual)
        : leafOf(issue.issue, path, names)
    case "Transformation":
      return leafOf(issue.issue, path, names)
    case "Missing":
      return issueAt(path, "present", undefined)
    case "Unexpected":
      return issueAt(path, absentOption(String(path.at(-1)?.name), names), issue.actual, true)
    case "Type":
      return issueAt(path, isJsonText(issue.ast) ? "JSON text" : issue.message ?? expectation(issue.ast), issue.actual)
    case "Forbidden":
      return issueAt(path, "synchronous", issue.actual)
  }
}

/** Returns the first leaf of the issue tree: one precise issue reads better than the whole tree. */
export const first = (issue: ParseResult.ParseIssue): Issue => leafOf(issue, [], [])

const secretFields = /^(envs|code|command|content|edits|apiKey)/

/** Describes a value by its type alone. */
export const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`
}

/** Describes a value: short strings and numbers literally, anything else by type and size. */
export const describe = (actual: unknown, field: string): string => {
  if (actual === undefined) return "missing"
  if (actual === null) return "null"
  if (typeof actual === "string") {
    return secretFields.test(field) || actual.length > 64
      ? `a string of ${actual.length} characters`
      : JSON.stringify(actual)
  }
  if (typeof actual === "number" || typeof actual === "boolean") {
    return secretFields.test(field)
      ? `a ${typeof actual}`
      : String(actual)
  }
  return Array.isArray(actual)
    ? `an array of ${actual.length}`
    : typeof actual === "object"
    ? "an object"
    : `a ${typeof actual}`
}

/** The error of an argument that was rejected before anything was sent. An unknown field may be a misplaced secret. */
export const invalidRequest = (
  operation: string,
  issue: ParseResult.ParseIssue,
  argument: string = "request"
): InvalidRequestError => {
  const { actual, expected, field, isUnknown } = first(issue)
  return new InvalidRequestError({
    operation,
    field: field === "" ? argument : field,
    given: isUnknown ? kindOf(actual) : describe(actual, field),
    expected
  })
}
