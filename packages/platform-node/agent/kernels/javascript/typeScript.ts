/**
 * TypeScript for the JavaScript kernel. Types become spaces, so that lines and columns stay what they are; enums,
 * namespaces and parameter properties need other code, for which a source map tells the lines. What does it is loaded
 * with the first code that does not run as JavaScript.
 */
import type * as Swc from "@swc/wasm-typescript"
import { SourceMap } from "node:module"

export interface Stripped {
  readonly code: string
  readonly map?: SourceMap
}

/** where TypeScript finds fault with the code */
interface Refusal {
  readonly message: string
  /** From zero. */
  readonly line: number
  readonly column: number
}

/** JavaScript reads this as two comparisons, which nobody writes; TypeScript reads it as a call with type arguments. */
const typedCall = /[\p{ID_Continue}$]<[\p{ID_Continue}$\s,.[\]|&{}:;"'<>]*>\(/u

export const looksTyped = (code: string) => typedCall.test(code)

export const stripTypes = (code: string): Stripped | Refusal => {
  try {
    return { code: transformer().transformSync(code, { mode: "strip-only", module: true }).code }
  } catch (error) {
    return isUnsupported(error) ? rewriteTypes(code) : refusal(error)
  }
}

const rewriteTypes = (code: string): Stripped | Refusal => {
  try {
    const options = { mode: "transform" as const, module: true, sourceMap: true, transform }
    const { code: made, map } = transformer().transformSync(code, options)
    return { code: made.trimEnd(), ...map === undefined ? {} : { map: new SourceMap(JSON.parse(map)) } }
  } catch (error) {
    return refusal(error)
  }
}

/** What later runs may use stays. */
const transform = {
  verbatimModuleSyntax: true,
  noEmptyExport: true,
  nativeClassProperties: true,
  tsEnumIsMutable: true
}

let loaded: typeof Swc | undefined

const transformer = () => loaded ??= require("@swc/wasm-typescript") as typeof Swc

/** What the transformer throws is no Error. */
const refusal = (error: unknown) => {
  const { message = String(error), startColumn = 0, startLine = 1 } = error as {
    message?: string
    startLine?: number
    startColumn?: number
  }
  return { message, line: startLine - 1, column: startColumn }
}

const isUnsupported = (error: unknown) =>
  typeof error === "object" && error !== null && "code" in error && error.code === "UnsupportedSyntax"
