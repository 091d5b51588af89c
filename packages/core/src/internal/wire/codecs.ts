/** Codecs for the habits of this wire: JSON inside strings, `null` for absent, lists in two spellings. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"

/** An optional field of a reply: absent and `null` are the same. */
export const lenient = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(schema, { exact: true, nullable: true })

const Json = Schema.transformOrFail(Schema.Unknown, Schema.Unknown, {
  strict: true,
  decode: (input, _options, ast) =>
    Predicate.isString(input)
      ? ParseResult.try({
        try: (): unknown => JSON.parse(input),
        catch: () => new ParseResult.Type(ast, input, "JSON text")
      })
      : ParseResult.succeed(input),
  encode: (value, _options, ast) =>
    ParseResult.try({
      try: () => JSON.stringify(value),
      catch: () => new ParseResult.Type(ast, value, "a value that JSON can hold")
    })
})

/** A value that travels as JSON text; the value itself is accepted as well. */
export const jsonText = <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, unknown> =>
  Schema.compose(Json, schema, { strict: false })

/** A flag in a query: languages spell it in letters of either case. */
export const flag = Schema.transform(
  Schema.String.pipe(Schema.filter((text) => /^(true|false|1|0)$/i.test(text), { description: "true or false" })),
  Schema.Boolean,
  { strict: true, decode: (text) => /^(true|1)$/i.test(text), encode: String }
)

/** A number in a query. */
export const numberText = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (text, _options, ast) =>
    text.trim() === "" || Number.isNaN(Number(text))
      ? ParseResult.fail(new ParseResult.Type(ast, text, "a number"))
      : ParseResult.succeed(Number(text)),
  encode: (number) => ParseResult.succeed(String(number))
})

/** A text that is not blank. */
export const filled = (description: string) =>
  Schema.String.pipe(Schema.filter((s) => s.trim() !== "", { description }))

const loneSurrogate = /\p{Surrogate}/u

/** A text that UTF-8 can hold. */
export const wholeText = Schema.String.pipe(Schema.filter((text) => !loneSurrogate.test(text), {
  description: "text without lone surrogates"
}))

/** Code to run. */
export const someCode = wholeText.pipe(Schema.filter((code) => code !== "", { description: "code that is not empty" }))

/** A time limit in seconds. */
export const seconds = Schema.Int.pipe(Schema.between(1, 86_400, { description: "from 1 second to a day" }))

/** A JSON object as it is. `Schema.Record` would take a key `__proto__` for the prototype of its result. */
export const JsonObject = Schema.declare(
  (input: unknown): input is Readonly<Record<string, unknown>> => Predicate.isRecord(input),
  { description: "an object", jsonSchema: { type: "object" } }
)

const checkStrings = (input: unknown, _options: unknown, ast: AST.AST) => {
  if (!Predicate.isRecord(input)) return ParseResult.fail(new ParseResult.Type(ast, input))
  const wrong = Object.entries(input).find(([, value]) => !Predicate.isString(value))
  return wrong === undefined
    ? ParseResult.succeed(input as Readonly<Record<string, string>>)
    : ParseResult.fail(new ParseResult.Pointer(wrong[0], input, new ParseResult.Type(Schema.String.ast, wrong[1])))
}

/** A JSON object of strings, as it is. */
export const StringRecord = Schema.declare([], { decode: () => checkStrings, encode: () => checkStrings }, {
  description: "an object",
  jsonSchema: { type: "object", additionalProperties: { type: "string" } }
})

/** A value as JSON text. Writing is recursive where reading is not, so what was read may be too deep to be written. */
export const showJson = (value: unknown): string =>
  Either.getOrElse(Either.try(() => JSON.stringify(value) ?? ""), () => "(nested too deeply to be shown)")

const firstText = (entry: object, keys: ReadonlyArray<string>): string | undefined =>
  keys.map((key) => (entry as Record<string, unknown>)[key]).find(Predicate.isString)

/** A tool that a session offers and the server inside it that answers. */
const ToolServer = Schema.Struct({ name: Schema.String, server: lenient(Schema.String) })

type ToolServer = typeof ToolServer.Type

const toolServers = (list: unknown): ReadonlyArray<ToolServer> => {
  if (!Array.isArray(list)) return []
  return list.filter(Predicate.isRecord).flatMap((entry) => {
    const name = firstText(entry, ["name", "Name"])
    const server = firstText(entry, ["server", "serverName", "Server"])
    return name === undefined || name === "" ? [] : [server === undefined ? { name } : { name, server }]
  })
}

const parseOrNothing = (input: unknown): unknown =>
  Predicate.isString(input) ? Either.getOrUndefined(Either.try((): unknown => JSON.parse(input))) : input

/** The tool list of a session: JSON text or array, several spellings, and what cannot be read is an empty list. */
export const ToolServers = Schema.transform(
  Schema.Unknown,
  Schema.Array(Schema.typeSchema(ToolServer)),
  {
    strict: true,
    decode: (input) => toolServers(parseOrNothing(input)),
    encode: (list) => JSON.stringify(list)
  }
)
