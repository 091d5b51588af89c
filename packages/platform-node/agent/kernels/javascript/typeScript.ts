/**
 * TypeScript for the JavaScript kernel. Types are replaced by spaces, which preserves lines and columns; enums, namespaces
 * and parameter properties are transformed, with a source map. The transformer is loaded with the first code that is not
 * plain JavaScript.
 */
import type * as Swc from "@swc/wasm-typescript"
import { SourceMap } from "node:module"
import type { SyntaxFault } from "./syntaxFault.js"

export interface Stripped {
  readonly code: string
  readonly map?: SourceMap
}

export const stripTypes = (code: string): Stripped | SyntaxFault => {
  try {
    return { code: transformer().transformSync(code, { mode: "strip-only", module: true }).code }
  } catch (error) {
    return isUnsupported(error) ? rewriteTypes(code) : syntaxFault(error)
  }
}

const rewriteTypes = (code: string): Stripped | SyntaxFault => {
  try {
    const options = { mode: "transform" as const, module: true, sourceMap: true, transform }
    const { code: made, map } = transformer().transformSync(code, options)
    return { code: made.trimEnd(), ...map === undefined ? {} : { map: new SourceMap(JSON.parse(map)) } }
  } catch (error) {
    return syntaxFault(error)
  }
}

/** Keeps declarations that later runs may use. */
const transform = {
  verbatimModuleSyntax: true,
  noEmptyExport: true,
  nativeClassProperties: true,
  tsEnumIsMutable: true
}

let loaded: typeof Swc | undefined

const transformer = () => loaded ??= require("@swc/wasm-typescript") as typeof Swc

/** The transformer does not throw instances of Error. */
const syntaxFault = (error: unknown) => {
  const { message = String(error), startColumn = 0, startLine = 1 } = error as {
    message?: string
    startLine?: number
    startColumn?: number
  }
  return { message, line: startLine - 1, column: startColumn }
}

const isUnsupported = (error: unknown) =>
  typeof error === "object" && error !== null && "code" in error && error.code === "UnsupportedSyntax"
