/** Codecs for the conventions of this API: JSON inside strings, `null` for absent fields, tool lists in several spellings. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"

/** An optional field; `null` is read as absent. */
export const optional = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(schema, { exact: true, nullable: true })

/** Parses JSON text. */
export const parseJson = (text: string): Either.Either<unknown, unknown> => Either.try((): unknown => JSON.parse(text))

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
      catch: () => new ParseResult.Type(ast, value, "a JSON-serializable value")
    })
})

/** A value sent as JSON text. When decoding, the bare value is accepted too. */
export const jsonText = <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, unknown> =>
  Schema.compose(Json, schema, { strict: false })

const parsedText = Schema.transform(Schema.Unknown, Schema.Unknown, {
  strict: true,
  decode: (input) => Predicate.isString(input) ? Either.getOrElse(parseJson(input), () => input) : input,
  encode: (value) => value
})

/** A value sent as it is. When decoding, JSON text of it is accepted too. */
export const bareOrJsonText = <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, unknown> =>
  Schema.compose(parsedText, schema, { strict: false })

/** A boolean in a query string, case-insensitive. */
export const flag = Schema.transform(
  Schema.String.pipe(Schema.filter((text) => /^(true|false|1|0)$/i.test(text), { description: "true or false" })),
  Schema.Boolean,
  { strict: true, decode: (text) => /^(true|1)$/i.test(text), encode: String }
)

/** A number in a query string. */
export const numberText = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (text, _options, ast) =>
    text.trim() === "" || Number.isNaN(Number(text))
      ? ParseResult.fail(new ParseResult.Type(ast, text, "a number"))
      : ParseResult.succeed(Number(text)),
  encode: (number) => ParseResult.succeed(String(number))
})

/** A string that is not blank. */
export const nonBlank = (description: string) =>
  Schema.String.pipe(Schema.filter((s) => s.trim() !== "", { description }))

/** An absolute POSIX path without NUL, at most 4096 characters. */
export const AbsolutePath = Schema.String.pipe(
  Schema.filter((path) => path.startsWith("/") && !path.includes("\0") && path.length <= 4096, {
    description: "an absolute path of at most 4096 characters without NUL"
  })
)

const loneSurrogate = /\p{Surrogate}/u

/** ES2024, and on long texts ten times as fast as the pattern. */
const native = (String.prototype as { readonly isWellFormed?: (this: string) => boolean }).isWellFormed

/** Whether UTF-8 can represent a string. */
export const isWellFormed = (text: string): boolean =>
  native === undefined ? !loneSurrogate.test(text) : native.call(text)

/** A string that UTF-8 can represent. */
export const wellFormedText = Schema.String.pipe(Schema.filter(isWellFormed, {
  description: "a string without lone surrogates"
}))

/** Source code to run. */
export const sourceCode = wellFormedText.pipe(
  Schema.filter((code) => code !== "", { description: "non-empty source code" })
)

/** A time limit in whole seconds, from 1 to 86,400. */
export const seconds = Schema.Int.pipe(Schema.between(1, 86_400, { description: "from 1 second to 1 day" }))

/** An unchanged JSON object. `Schema.Record` would copy it and let a `__proto__` key set the prototype of the copy. */
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

/** An unchanged JSON object whose values are strings. */
export const StringRecord = Schema.declare([], { decode: () => checkStrings, encode: () => checkStrings }, {
  description: "an object",
  jsonSchema: { type: "object", additionalProperties: { type: "string" } }
})

/** Formats a value as JSON. `JSON.stringify` is recursive, so it can fail on nesting that `JSON.parse` accepted. */
export const showJson = (value: unknown): string =>
  Either.getOrElse(Either.try(() => JSON.stringify(value) ?? ""), () => "(nested too deeply to display)")

const firstText = (entry: object, keys: ReadonlyArray<string>): string | undefined =>
  keys.map((key) => (entry as Record<string, unknown>)[key]).find(Predicate.isString)

/** A tool of a session and the server inside the session that implements it. */
const ToolServer = Schema.Struct({ name: Schema.String, server: optional(Schema.String) })

type ToolServer = typeof ToolServer.Type

const toolServers = (list: unknown): ReadonlyArray<ToolServer> => {
  if (!Array.isArray(list)) return []
  return list.filter(Predicate.isRecord).flatMap((entry) => {
    const name = firstText(entry, ["name", "Name"])
    const server = firstText(entry, ["server", "serverName", "Server"])
    return name === undefined || name === "" ? [] : [server === undefined ? { name } : { name, server }]
  })
}

const parseIfText = (input: unknown): unknown =>
  Predicate.isString(input) ? Either.getOrUndefined(parseJson(input)) : input

const isToolServer = (input: unknown): input is ToolServer => Schema.is(ToolServer)(input)

/** The JSON text of lists that cannot change. A server sends the same list with each session, so it is encoded once. */
const encodedLists = new WeakMap<ReadonlyArray<ToolServer>, string>()

const encodeList = (list: ReadonlyArray<ToolServer>): string => {
  const encoded = encodedLists.get(list) ?? JSON.stringify(list)
  if (Object.isFrozen(list) && list.every(Object.isFrozen)) encodedLists.set(list, encoded)
  return encoded
}

/** A declaration passes a list on as it is, where `Schema.Array` would copy it. */
const ToolServerList = Schema.declare(
  (input): input is ReadonlyArray<ToolServer> =>
    Array.isArray(input) && (encodedLists.has(input) || input.every(isToolServer)),
  { description: "an array of tools with their servers" }
)

/** The tool list of a session: JSON text or an array, in several spellings. Anything unreadable is an empty list. */
export const ToolServers = Schema.transform(Schema.Unknown, ToolServerList, {
  strict: true,
  decode: (input) => toolServers(parseIfText(input)),
  encode: encodeList
})
