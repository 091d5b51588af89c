/** Turns a schema's complaint into the field, what was given and what is expected, without quoting what may be secret. */
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { InvalidRequestError } from "../AgbError.js"

export interface Issue {
  readonly field: string
  readonly expected: string
  readonly actual: unknown
}

const kinds: Partial<Record<AST.AST["_tag"], string>> = { TypeLiteral: "an object", TupleType: "an array" }

const expectation = (ast: AST.AST): string =>
  Option.getOrElse(AST.getDescriptionAnnotation(ast), () => kinds[ast._tag] ?? String(ast)).slice(0, 200)

/** The complaint of `JSON.parse` quotes the text. */
const isJsonText = (ast: AST.AST): boolean =>
  Option.contains(AST.getSchemaIdAnnotation(ast), AST.ParseJsonSchemaId as AST.SchemaIdAnnotation)

const isMany = (
  issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>
): issues is readonly [ParseResult.ParseIssue, ...ReadonlyArray<ParseResult.ParseIssue>] => Array.isArray(issues)

const isNull = (ast: AST.AST): boolean => AST.isLiteral(ast) && ast.literal === null

/** The values that a value may be one of; none when it may be of several kinds. `null` only says that it may be absent. */
const choicesOf = (ast: AST.AST): ReadonlyArray<AST.AST> => {
  const choices = AST.isUnion(ast) ? ast.types.filter((type) => !isNull(type)) : []
  return choices.every(AST.isLiteral) ? choices : []
}

/** The first leaf of the tree of issues: one clear complaint is better than all of them. */
export const first = (issue: ParseResult.ParseIssue, path: ReadonlyArray<PropertyKey> = []): Issue => {
  const field = path.map(String).join(".")
  switch (issue._tag) {
    case "Pointer":
      return first(issue.issue, path.concat(issue.path))
    case "Composite": {
      const issues = isMany(issue.issues) ? issue.issues : [issue.issues] as const
      const choices = choicesOf(issue.ast)
      return choices.length > 0
        ? { field, expected: choices.join(" or ").slice(0, 200), actual: issue.actual }
        : first(issues.find((one) => one._tag !== "Type" || !isNull(one.ast)) ?? issues[0], path)
    }
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

/** A few words about a value: short text and numbers as they are, everything else by its kind and size. */
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

/** A refusal of an argument, made before anything is sent. */
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
