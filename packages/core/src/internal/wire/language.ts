/** Languages of `run_code`. */
import * as Schema from "effect/Schema"

/**
 * A language supported by `run_code`.
 */
export type Language = "python" | "javascript" | "java" | "r"

const aliases: Readonly<Record<string, Language>> = {
  python: "python",
  py: "python",
  python3: "python",
  javascript: "javascript",
  js: "javascript",
  node: "javascript",
  nodejs: "javascript",
  java: "java",
  r: "r"
}

/**
 * Decodes a language name to its canonical form: case-insensitive, with the aliases `py`, `python3`, `js`, `node` and
 * `nodejs`.
 */
export const Language: Schema.Schema<Language, string> = Schema.transform(
  Schema.String.pipe(Schema.filter((name) => Object.hasOwn(aliases, name.trim().toLowerCase()), {
    description: "python, javascript, java or r"
  })),
  Schema.Literal("python", "javascript", "java", "r"),
  {
    strict: true,
    decode: (name) => aliases[name.trim().toLowerCase()] ?? "python",
    encode: (language) => language
  }
)
