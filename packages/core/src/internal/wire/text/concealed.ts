/** Credentials that are plain strings: they can be read, and are left out wherever an object is printed. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** The method that `console.log` and `util.inspect` of Node call. */
const inspect = Symbol.for("nodejs.util.inspect.custom")

const hidden = "<redacted>"

/**
 * Copies an object with some of its fields hidden: not enumerable, so that no printer, serializer or spread copy takes them
 * along. `toJSON` and `inspect` show that they are there.
 */
export const conceal = <A extends object>(object: A, names: ReadonlyArray<keyof A & string>): A => {
  const present = names.filter((name) => object[name] !== undefined && (object[name] as unknown) !== "")
  if (present.length === 0) return object
  const copy = { ...object }
  for (const name of present) {
    // With `showHidden` alone even a hidden field is printed, but not past `inspect`.
    Object.defineProperty(copy, name, { value: object[name], enumerable: false })
  }
  const print = () => ({ ...copy, ...Object.fromEntries(present.map((name) => [name, hidden])) })
  for (const key of ["toJSON", inspect]) Object.defineProperty(copy, key, { value: print, enumerable: false })
  return copy
}

/** The same for what a schema decodes. The type side is opaque: a struct would copy the object again. */
export const concealed = <A extends object, I>(
  schema: Schema.Schema<A, I>,
  ...names: ReadonlyArray<keyof A & string>
): Schema.Schema<A, I> =>
  Schema.transform(schema, Schema.declare((input): input is A => Predicate.isRecord(input)), {
    strict: true,
    decode: (value) => conceal(value, names),
    encode: (value) => value
  })
