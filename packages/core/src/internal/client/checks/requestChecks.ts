/** Checks of a request that its schema does not make: names that no endpoint has, and text that UTF-8 cannot represent. */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { InvalidRequestError } from "../../../AgbError.js"
import { isWellFormed } from "../../wire/codecs.js"
import type { InternalCallOptions } from "../callOptions.js"
import { unknownOption } from "./options.js"

/** The field of the first key or value with a lone surrogate. A query would silently alter it, and a body hands it on. */
const malformedField = (fields: object): string | undefined => {
  const seen = new Set<object>([fields])
  const left: Array<readonly [field: string, value: object]> = [["", fields]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [field, object] = next
    for (const [key, value] of Object.entries(object)) {
      if (!isWellFormed(key)) return field === "" ? "the name of a field" : field
      const inner = field === "" ? key : `${field}.${key}`
      if (typeof value === "string" && !isWellFormed(value)) return inner
      if (typeof value !== "object" || value === null || seen.has(value)) continue
      seen.add(value)
      left.push([inner, value])
    }
  }
  return undefined
}

/** The error of fields that UTF-8 cannot represent, if any. */
export const malformedText = (operation: string, fields: unknown): InvalidRequestError | undefined => {
  const field = Predicate.isRecord(fields) ? malformedField(fields) : undefined
  return field === undefined ? undefined : new InvalidRequestError({
    operation,
    field,
    given: "a string with a lone surrogate",
    expected: "a string that UTF-8 can represent"
  })
}

const namesOf = <A, I>(schema: Schema.Schema<A, I>): ReadonlyArray<string> => {
  const ast = AST.typeAST(schema.ast)
  return AST.isTypeLiteral(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []
}

const callOptions: ReadonlyArray<keyof InternalCallOptions> = [
  "timeout",
  "operation",
  "retrySafety",
  "margin",
  "sessionId",
  "hasSpan",
  "onReply",
  "onCancel"
]

/** Returns the error of a request that must not be sent, if any. */
export const make = <Q, QI, B, BI>(query: Schema.Schema<Q, QI>, body: Schema.Schema<B, BI>) => {
  const names = [...namesOf(query), ...namesOf(body)]
  return (operation: string, request: unknown, options: unknown): InvalidRequestError | undefined => {
    const unknown = (Predicate.isRecord(request) ? unknownOption(operation, request, names) : undefined) ??
      unknownOption(operation, options, callOptions)
    return unknown ?? malformedText(operation, request)
  }
}
