/** Parses code without running it: with V8, or with a parser that is loaded with the first code that needs it. */
import { createRequire } from "node:module"
import { join } from "node:path"
import { Script } from "node:vm"
import type { Origin } from "./moduleRewrite.js"
import type * as Parsing from "./parsing.js"
import type { SyntaxFault } from "./syntaxFault.js"

/** Whether the code as a whole does not parse, so that none of it can have run. */
export const failsToParse = (code: string) => !isFunctionBody(`{${code}\n}`)

/** Code that consists of an object literal would be parsed as a block: wraps it in parentheses. */
export const wrapObjectLiteral = (code: string) =>
  /^\s*\{[^]*\}\s*$/.test(code) && isFunctionBody(`(${code}\n)`) ? `(${code}\n)` : code

/** Whether it is a valid body of an async arrow function. */
const isFunctionBody = (body: string) => isScript(`async () => ${body}`)

/** Whether it is valid where `await`, `return` and module syntax are not. */
export const isScript = (code: string) => {
  try {
    return new Script(code) !== undefined
  } catch {
    return false
  }
}

/** The code with module syntax replaced. Code that V8 parses and the parser does not is taken as it is. */
export const withoutModuleSyntax = (code: string, origin: Origin): string | SyntaxFault => {
  const mayBeModule = /\b(?:import|export)\b/.test(code)
  if (!mayBeModule && !/\bthis\b/.test(code)) return code
  const rewritten = parsing().rewriteModule(code, origin)
  if (typeof rewritten === "string") return rewritten
  return mayBeModule && failsToParse(code) ? rewritten : code
}

/** A call with type arguments. JavaScript would parse it as two comparisons, which nobody writes. */
export const looksLikeTypeScript = (code: string) =>
  /[\p{ID_Continue}$]</u.test(code) && /[^=]>\(/.test(code) && parsing().hasTypedCall(code)

/** Whether types may be what JavaScript stumbles over, so that a parser of TypeScript knows better what is wrong. */
export const mayBeTyped = (code: string, { column, line, message }: SyntaxFault) => {
  const rest = code.split("\n")[line]?.slice(column) ?? ""
  if (/^(?:[:?!]|as\b|satisfies\b)/.test(rest)) return /^(?:Unexpected|[Mm]issing) /.test(message)
  return /^(?!await\b)[\w$]/.test(rest) && /^Unexpected (?:token|identifier|reserved|strict) ?/.test(message)
}

let loaded: typeof Parsing | undefined

const parsing = () => {
  if (loaded !== undefined) return loaded
  const file = join(__dirname, "parsing.cjs")
  loaded = createRequire(file)(file) as typeof Parsing
  // The code does not find the modules of the kernel.
  delete require.cache[file]
  return loaded
}
