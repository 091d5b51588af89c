/**
 * Module syntax for code that is evaluated as a script: imports become dynamic imports on the same lines, before all other
 * statements, and `export` is removed. As in Node, code with such syntax is strict, and `this` outside of functions is not the
 * global object.
 */
import type { ExportDefaultDeclaration, ExportSpecifier, ImportDeclaration, Literal, Node, Program } from "acorn"
import { Parser } from "acorn"
import { moduleFault } from "./moduleCheck.js"
import { importName, importNamesName, metaName, thisName } from "./moduleGlobals.js"
import type { SyntaxFault } from "./syntaxFault.js"

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

type Statement = Program["body"][number]

/** A statement that loads a module. */
type Loading = Statement & { readonly source: Literal; readonly attributes: ImportDeclaration["attributes"] }

export interface Origin {
  /** Types have been removed from the code. */
  readonly isTyped: boolean
  /** An earlier run has declared the name. */
  readonly isKnown: (name: string) => boolean
}

export const rewriteModule = (code: string, { isKnown, isTyped }: Origin): string | SyntaxFault => {
  const text = withKeyword(code)
  const program = parsed(text)
  if (!("body" in program)) return { ...program, message: moduleFault(text, isKnown)?.message ?? program.message }
  const found: Found = { edits: [], used: new Set(), outer: [], hasMeta: false }
  for (const statement of program.body) if (!isLoading(statement)) visit(statement, found)
  const isModule = found.hasMeta || program.body.some(({ type }) => /^(?:Import|Export).*Declaration$/.test(type))
  // Whether an exported name is a type is not known.
  const fault = isModule ? moduleFault(text, (name) => isTyped || isKnown(name)) : undefined
  if (fault !== undefined) return fault
  const edits = [...found.edits, ...found.outer.map((place) => ({ ...place, text: isModule ? "undefined" : thisName }))]
  return applied(code, [...isModule ? strict(program) : [], ...edits, ...statementEdits(code, program, found, isTyped)])
}

/** The directive is not to be the value of the code. */
const strict = ({ body: [first] }: Program): ReadonlyArray<Edit> =>
  first === undefined ? [] : [{ start: first.start, end: first.start, text: "\"use strict\";void 0;" }]

const statementEdits = (code: string, program: Program, { used }: Found, isTyped: boolean) => {
  const edits: Array<Edit> = []
  // Whether an imported name is a type is known only if the code uses it as a value.
  const isRequired = (local: string) => !isTyped || used.has(local)
  let hoisted = ""
  let head: number | undefined
  for (const statement of program.body) {
    if (isLoading(statement)) {
      const text = loadingText(code, statement, isRequired)
      if (head !== undefined) hoisted += text
      const { end, start } = statement
      edits.push({
        start,
        end,
        text: head === undefined ? text + newlinesOf(code, start, end) : blank(code, start, end)
      })
    } else {
      if (!("directive" in statement)) head ??= statement.start
      edits.push(...exportEdits(code, statement))
    }
  }
  if (hoisted !== "" && head !== undefined) edits.push({ start: head, end: head, text: hoisted })
  return edits
}

/** Exports of code have no effect, so that one may be repeated. */
class LenientParser extends Parser {
  checkExport() {}
}

const parsed = (code: string): Program | SyntaxFault => {
  try {
    return LenientParser.parse(code, {
      ecmaVersion: "latest",
      sourceType: "script",
      allowAwaitOutsideFunction: true,
      allowImportExportEverywhere: true,
      preserveParens: true
    })
  } catch (error) {
    return faultOf(code, error)
  }
}

/** Import attributes once began with `assert`. The positions stay the same. */
const withKeyword = (code: string) => code.replace(/(["']\s*)assert(?=\s*\{\s*["']?type["']?\s*:)/g, "$1with  ")

/** In the words of V8. */
const faultOf = (code: string, error: unknown): SyntaxFault => {
  const { loc, message, pos = 0 } = error as {
    readonly message: string
    readonly pos?: number
    readonly loc?: { readonly line: number; readonly column: number }
  }
  const text = message.replace(/ \(\d+:\d+\)$/, "")
  const position = { line: (loc?.line ?? 1) - 1, column: loc?.column ?? 0 }
  if (text !== "Unexpected token") return { message: text, ...position }
  const [token = ""] = /^(?:[\p{ID_Continue}$]+|\S)/u.exec(code.slice(pos, pos + 100)) ?? []
  const named = token === ""
    ? "end of input"
    : /^\d/.test(token)
    ? "number"
    : /^["']/.test(token)
    ? "string"
    : undefined
  const kind = /^[\p{ID_Start}$_]/u.test(token) ? "identifier" : "token"
  return { message: `Unexpected ${named ?? `${kind} '${token}'`}`, ...position }
}

const isLoading = (statement: Statement): statement is Loading => "source" in statement && Boolean(statement.source)

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

interface Found {
  /** Replace `import(…)` and `import.meta`. */
  readonly edits: Array<Edit>
  /** The names of all identifiers. */
  readonly used: Set<string>
  /** Each `this` outside of functions and classes. */
  readonly outer: Array<{ readonly start: number; readonly end: number }>
  hasMeta: boolean
}

/** What has a `this` of its own. */
const inner = new Set(["FunctionDeclaration", "FunctionExpression", "ClassBody"])

/** Not recursive: code can be deep. */
const visit = (root: Node, found: Found) => {
  const pending: Array<readonly [node: unknown, isOuter: boolean]> = [[root, true]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, isOuter] = next
    if (Array.isArray(node)) { for (const item of node) pending.push([item, isOuter]) }
    if (!isNode(node)) continue
    const { end, start, type } = node
    if (type === "ImportExpression") found.edits.push({ start, end: start + "import".length, text: importName })
    if (type === "ThisExpression" && isOuter) found.outer.push({ start, end })
    if (type === "MetaProperty" && "meta" in node && isNode(node.meta) && "name" in node.meta) {
      if (node.meta.name === "import") {
        found.edits.push({ start, end, text: metaName })
        found.hasMeta = true
      }
      continue
    }
    if (type === "Identifier" && "name" in node) found.used.add(String(node.name))
    const isStillOuter = isOuter && !inner.has(type)
    for (const value of Object.values(node)) if (typeof value === "object") pending.push([value, isStillOuter])
  }
}

const loadingText = (code: string, statement: Loading, isRequired: (local: string) => boolean) => {
  const { attributes, source } = statement
  const pairs = attributes.map(({ key, value }) => code.slice(key.start, value.end))
  const options = pairs.length === 0 ? "undefined" : `{ with: { ${pairs.join(", ")} } }`
  const load = (names: ReadonlyArray<string>) =>
    `await ${importNamesName}(${source.raw}, ${options}, ${JSON.stringify(names)})`
  if (statement.type === "ImportDeclaration") return importText(statement, load, isRequired)
  const specifiers = statement.type === "ExportNamedDeclaration" ? statement.specifiers : []
  return `void ${load(specifiers.map(({ local }) => nameOf(local)).filter(isRequired))};`
}

const importText = (
  { specifiers }: ImportDeclaration,
  load: (names: ReadonlyArray<string>) => string,
  isRequired: (local: string) => boolean
) => {
  const names: Array<string> = []
  const bindings: Array<string> = []
  let all: string | undefined
  for (const specifier of specifiers) {
    const { name: local } = specifier.local
    if (specifier.type === "ImportNamespaceSpecifier") {
      all = local
      continue
    }
    const name = specifier.type === "ImportDefaultSpecifier" ? "default" : nameOf(specifier.imported)
    bindings.push(`${JSON.stringify(name)}: ${local}`)
    if (isRequired(local)) names.push(name)
  }
  const pattern = `{ ${bindings.join(", ")} }`
  if (all !== undefined) return `const ${all} = ${load(names)}${bindings.length === 0 ? "" : `, ${pattern} = ${all}`};`
  return bindings.length === 0 ? `void ${load(names)};` : `const ${pattern} = ${load(names)};`
}

const nameOf = (name: ExportSpecifier["local"]) => name.type === "Identifier" ? name.name : String(name.value)

/** A declaration stays, and the expression of a default export becomes a value. */
const exportEdits = (code: string, statement: Statement): ReadonlyArray<Edit> => {
  const { end, start } = statement
  if (statement.type === "ExportDefaultDeclaration") return defaultEdits(code, statement)
  if (statement.type !== "ExportNamedDeclaration") return []
  const { declaration } = statement
  const last = declaration?.start ?? end
  return [{ start, end: last, text: blank(code, start, last) }]
}

const defaultEdits = (code: string, { declaration, end, start }: ExportDefaultDeclaration): ReadonlyArray<Edit> => {
  const text = blank(code, start, declaration.start)
  const isNamed = "id" in declaration && declaration.id !== null && /Declaration$/.test(declaration.type)
  if (isNamed) return [{ start, end: declaration.start, text }]
  const isEnded = declaration.end < end
  return [
    { start, end: declaration.start, text: `;(${text.slice(2)}` },
    { start: declaration.end, end: declaration.end, text: isEnded ? ")" : ");" }
  ]
}

const newlinesOf = (code: string, start: number, end: number) => code.slice(start, end).replace(/[^\n]/g, "")

/** The semicolon ends the statement before it, as the keyword did. */
const blank = (code: string, start: number, end: number) => `;${code.slice(start + 1, end).replace(/[^\n]/g, " ")}`

const applied = (code: string, edits: ReadonlyArray<Edit>) => {
  let out = ""
  let copied = 0
  for (const { end, start, text } of edits.toSorted((one, other) => one.start - other.start || one.end - other.end)) {
    out += code.slice(copied, start) + text
    copied = end
  }
  return out + code.slice(copied)
}
