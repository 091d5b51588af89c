/** The parameters of a call that no framework has checked, and what is wrong with them in words that a model can mend its call by. */
import { InvalidRequestError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { definitions, type ToolName } from "./definitions.js"

const maxShown = 64

const show = (value: unknown): string => {
  const text = value === undefined ? "missing" : JSON.stringify(value)
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
}

const nothingElse = (given: object, fields: Schema.Struct.Fields): string => {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(fields, name))
  return unknown.length === 0 ? "" : `; there is no parameter ${unknown.slice(0, 8).map(show).join(", ")}`
}

const asSchema = (fields: Schema.Struct.Fields) =>
  Schema.Struct(fields) as unknown as Schema.Schema<Record<string, unknown>>

interface JsonSchema {
  readonly type?: string
  /** Of an optional one, the other is null. */
  readonly anyOf?: ReadonlyArray<JsonSchema>
}

const typeOf = (field: string, fields: Schema.Struct.Fields): string => {
  const { properties } = JSONSchema.make(asSchema(fields)) as { readonly properties?: Record<string, JsonSchema> }
  const schema = properties?.[field]
  return schema?.type ?? schema?.anyOf?.[0]?.type ?? "value of another type"
}

/** The parameters as the handler of the tool takes them. Fails with the first field that is missing or of another type. */
export const decodeParameters = (name: ToolName, given: unknown): Effect.Effect<object, InvalidRequestError> => {
  const fields: Schema.Struct.Fields = definitions[name].parameters
  const invalid = (field: string, expected: string, was: string) =>
    Effect.fail(new InvalidRequestError({ operation: name, field, expected, given: was }))
  if (!Predicate.isReadonlyRecord(given)) return invalid("the parameters", "an object", show(given))
  const decoded = Schema.decodeUnknownEither(asSchema(fields))(given)
  if (Either.isRight(decoded)) return Effect.succeed(decoded.right)
  const isWrong = (field: string) =>
    Either.isLeft(Schema.decodeUnknownEither(asSchema({ [field]: fields[field]! }))(given))
  const wrong = Object.keys(fields).find(isWrong) ?? ""
  return invalid(wrong, `a ${typeOf(wrong, fields)}`, show(given[wrong]) + nothingElse(given, fields))
}
