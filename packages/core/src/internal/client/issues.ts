/** Converts schema issues to the field, its actual and its expected value, without quoting possible secrets. */
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { InvalidRequestError } from "../../AgbError.js"

export interface Issue {
  readonly field: string
  readonly expected: string
  readonly actual: unknown
}

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
const ofUnion = ({ actual, issues }: ParseResult.Composite, path: ReadonlyArray<PropertyKey>): Issue => {
  const leaves = (isMany(issues) ? issues : [issues]).map((issue) => first(issue, path))
  const field = path.map(String).join(".")
  const furthest = leaves.find((leaf) => leaf.field !== field) ?? leaves.find((leaf) => leaf.actual !== actual)
  const expected = [...new Set(leaves.map((leaf) => leaf.expected))].filter((words) => !absent.has(words))
  return furthest ?? { field, expected: list(expected), actual }
}

/** Returns the first leaf of the issue tree: one precise issue reads better than the whole tree. */
export const first = (issue: ParseResult.ParseIssue, path: ReadonlyArray<PropertyKey> = []): Issue => {
  const field = path.map(String).join(".")
  switch (issue._tag) {
    case "Pointer":
      return first(issue.issue, path.concat(issue.path))
    case "Composite":
      if (AST.isUnion(issue.ast)) return ofUnion(issue, path)
      return first(isMany(issue.issues) ? issue.issues[0] : issue.issues, path)
    case "Refinement":
      return issue.kind === "Predicate"
        ? { field, expected: expectation(issue.ast), actual: issue.actual }
        : first(issue.issue, path)
    case "Transformation":
      return first(issue.issue, path)
    case "Missing":
      return { field, expected: "present", actual: undefined }
    case "Unexpected":
      return { field, expected: "absent", actual: issue.actual }
    case "Type":
      return {
        field,
        expected: isJsonText(issue.ast) ? "JSON text" : issue.message ?? expectation(issue.ast),
        actual: issue.actual
      }
    case "Forbidden":
      return { field, expected: "synchronous", actual: issue.actual }
  }
}

const secretFields = /^(envs|code|content|edits|apiKey)/

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

/** The error of an argument that was rejected before anything was sent. */
export const invalidRequest = (
  operation: string,
  issue: ParseResult.ParseIssue,
  argument: string = "request"
): InvalidRequestError => {
  const { actual, expected, field } = first(issue)
  return new InvalidRequestError({
    operation,
    field: field === "" ? argument : field,
    given: describe(actual, field),
    expected
  })
}
