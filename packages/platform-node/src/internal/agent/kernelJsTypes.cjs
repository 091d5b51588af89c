// @ts-check
"use strict"

/**
 * TypeScript for the JavaScript kernel. Types become spaces, so that lines and columns stay what they are; enums,
 * namespaces and parameter properties need other code, for which a source map tells the lines. What does it is loaded
 * with the first code that does not run as JavaScript.
 */
const { SourceMap } = require("node:module")

/**
 * @typedef {object} Stripped
 * @property {string} code
 * @property {SourceMap} [map]
 */

/**
 * @typedef {object} Refusal where TypeScript finds fault with the code
 * @property {string} message
 * @property {number} line from zero
 * @property {number} column
 */

/** JavaScript reads this as two comparisons, which nobody writes; TypeScript reads it as a call with type arguments. */
const typedCall = /[\p{ID_Continue}$]<[\p{ID_Continue}$\s,.[\]|&{}:;"'<>]*>\(/u

/** @param {string} code */
const looksTyped = (code) => typedCall.test(code)

/**
 * @param {string} code
 * @returns {Stripped | Refusal}
 */
const stripTypes = (code) => {
  try {
    return { code: transformer().transformSync(code, { mode: "strip-only", module: true }).code }
  } catch (error) {
    return isUnsupported(error) ? rewriteTypes(code) : refusal(error)
  }
}

/**
 * @param {string} code
 * @returns {Stripped | Refusal}
 */
const rewriteTypes = (code) => {
  try {
    const options = { mode: /** @type {const} */ ("transform"), module: true, sourceMap: true, transform }
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

/** @type {typeof import("@swc/wasm-typescript") | undefined} */
let loaded

/** @returns {typeof import("@swc/wasm-typescript")} */
const transformer = () => loaded ??= require("@swc/wasm-typescript")

/** @param {unknown} error what the transformer throws is no Error */
const refusal = (error) => {
  const { message = String(error), startColumn = 0, startLine = 1 } =
    /** @type {{ message?: string, startLine?: number, startColumn?: number }} */ (error)
  return { message, line: startLine - 1, column: startColumn }
}

/** @param {unknown} error */
const isUnsupported = (error) =>
  typeof error === "object" && error !== null && "code" in error && error.code === "UnsupportedSyntax"

module.exports = { looksTyped, stripTypes }
