/** What makes code an invalid module, in the words of V8, which compiles it as one. */
import { Parser } from "acorn"
import vm from "node:vm"
import type { SyntaxFault } from "./syntaxFault.js"

/** There is none without `--experimental-vm-modules`. */
const { SourceTextModule } = vm as { readonly SourceTextModule?: new(code: string) => unknown }

const complaint = (code: string): string | undefined => {
  if (SourceTextModule === undefined) return undefined
  const { emitWarning } = process
  // That the class is experimental is no news for the code.
  process.emitWarning = () => {}
  try {
    return new SourceTextModule(code) === undefined ? "" : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The position comes from the parser that finds a fault in it, too. */
const positionOf = (code: string) => {
  try {
    Parser.parse(code, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true })
  } catch (error) {
    if (error instanceof SyntaxError && "loc" in error) {
      const { column, line } = error.loc as { readonly line: number; readonly column: number }
      return { line: line - 1, column }
    }
  }
  return { line: 0, column: 0 }
}

/**
 * `isKnown` tells which names earlier runs have declared: they may be exported. To export one name twice does no harm, since
 * exports of code have no effect.
 */
export const moduleFault = (code: string, isKnown: (name: string) => boolean): SyntaxFault | undefined => {
  const message = complaint(code)
  if (message === undefined || /^Duplicate export of /.test(message)) return undefined
  const [, missing] = /^Export '(.+)' is not defined in module$/.exec(message) ?? []
  return missing !== undefined && isKnown(missing) ? undefined : { message, ...positionOf(code) }
}
