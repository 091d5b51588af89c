// The declaration of an export as a reader sees it: what the published packages declare, formatted, without what is internal.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import ts from "typescript"
import { propertyTexts, structureText } from "./types.mjs"

const fromEslintPlugin = createRequire(createRequire(import.meta.url).resolve("@effect/eslint-plugin"))
const dprint = fromEslintPlugin("@dprint/formatter")
const formatter = dprint.createFromBuffer(readFileSync(fromEslintPlugin("@dprint/typescript").getPath()))
formatter.setConfig({ indentWidth: 2, lineWidth: 100 }, {
  semiColons: "asi",
  quoteStyle: "alwaysDouble",
  trailingCommas: "never",
  operatorPosition: "maintain",
  "arrowFunction.useParentheses": "force"
})

const format = (code) => formatter.formatText({ filePath: "declaration.ts", fileText: code }).trimEnd()

/** `import("effect/Effect").Effect` is how the compiler names what a file has not imported. */
const withoutImportTypes = (code) =>
  code
    .replace(/import\("(?:effect|@effect\/platform)\/(\w+)"\)\./g, "$1.")
    .replace(/import\("[^"]+"\)\./g, "")

const withoutSince = (code) =>
  code.replace(/^[ \t]*\/\*\*\s*@since [\d.]+\s*\*\/\n/gm, "").replace(/^[ \t]*#private;?\n/gm, "")

/** The statements of this kind that declare a name, without the comments before them. */
const statementTexts = (statements, name, isKind) =>
  statements.filter((statement) => isKind(statement) && declares(statement, name)).map((statement) =>
    statement.getText()
  )

const declares = (statement, name) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.some((declaration) => declaration.name.getText() === name)
    : statement.name?.text === name

const kindOf = (declaration) =>
  ts.isVariableDeclaration(declaration) ? ts.isVariableStatement : ({ kind }) => kind === declaration.kind

/** `Schema.TaggedError` of `Schema.TaggedError<Self>(id)(tag, fields)`. */
const callee = (node) => ts.isCallExpression(node) ? callee(node.expression) : node

const isFromPackages = (declaration) => !declaration.getSourceFile().fileName.includes("/node_modules/")

/** The fields that a class made by Schema has, which its declaration does not show. */
const schemaClass = (checker, declaration, base) => {
  const fields = checker.getPropertiesOfType(checker.getTypeAtLocation(declaration.name)).filter((
    { declarations = [] }
  ) => declarations.some((it) => isFromPackages(it) && !ts.isAccessor(it) && !ts.isMethodDeclaration(it)))
  const lines = propertyTexts(checker, fields, declaration)
  const tag = /TaggedError|TaggedClass/.test(base) ? [`readonly _tag: "${declaration.name.text}"`] : []
  return `declare class ${declaration.name.text} extends ${base} {\n${[...tag, ...lines].join("\n")}\n}`
}

const classText = (checker, declaration, file) => {
  const heritage = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
  const base = heritage === undefined ? "" : callee(heritage.expression).getText()
  if (base === "Context.Tag") {
    return [`declare class ${declaration.name.text} extends ${heritage.getText()} {}`]
  }
  return /^Schema\.(TaggedError|TaggedClass|Class)\b/.test(base)
    ? [schemaClass(checker, declaration, base.replace(/<.*/s, ""))]
    : statementTexts(file.statements, declaration.name.text, ts.isClassDeclaration)
}

/**
 * `type Input = typeof Fields.Type` says nothing to a reader, the type itself does; a union of classes stays as the schema
 * beside it has it. An alias of an internal declaration is shown as that declaration.
 */
const aliasTexts = (program, declaration, file) => {
  const { checker } = program
  const name = declaration.name.text
  const source = declaration.type.getText()
  const type = checker.getTypeAtLocation(declaration)
  if (
    /^typeof [\w.]+\.(Type|Encoded)$/.test(source) && !type.isUnion() ||
    /^ReturnType<typeof \w+>\["(Type|Encoded)"\]$/.test(source)
  ) {
    return [`type ${name} = ${structureText(checker, type, declaration)}`]
  }
  const internal = /^[a-z]\w*\.(\w+)$/.exec(source)?.[1] === name ? type.symbol?.declarations : undefined
  return internal?.flatMap((it) => textsOf(program, it)) ??
    statementTexts(siblings(file, declaration), name, ts.isTypeAliasDeclaration)
}

const textsOf = (program, declaration) => {
  const file = program.emitted(declaration.getSourceFile())
  if (ts.isModuleDeclaration(declaration)) return []
  if (ts.isClassDeclaration(declaration)) return classText(program.checker, declaration, file)
  if (ts.isTypeAliasDeclaration(declaration)) return aliasTexts(program, declaration, file)
  return statementTexts(siblings(file, declaration), declaration.name?.text, kindOf(declaration))
}

/** The emitted statements among which a declaration stands: those of the file, or of a namespace. */
const siblings = (file, declaration) => {
  const block = declaration.parent
  if (!ts.isModuleBlock(block)) return file.statements
  const namespace = file.statements.find((it) => ts.isModuleDeclaration(it) && it.name.text === block.parent.name.text)
  return namespace?.body.statements ?? []
}

/** Internal modules are imported as `sessions.Session`: a reader knows the name alone. */
const withoutInternalModules = (code) => code.replace(/\b[a-z]\w*\.(?=[A-Z])/g, "")

/** A schema of many fields is shown by what it decodes to and what it reads; the rest is how it is put together. */
const schemaText = ({ checker }, symbol, text) => {
  const declaration = symbol.valueDeclaration
  if (declaration === undefined || !ts.isVariableDeclaration(declaration) || text.split("\n").length <= 8) return text
  const type = checker.getTypeAtLocation(declaration)
  const [decoded, encoded] = ["Type", "Encoded"].map((name) => type.getProperty(name))
  if (decoded === undefined || encoded === undefined) return text
  const textOf = (property) =>
    structureText(checker, checker.getTypeOfSymbolAtLocation(property, declaration), declaration)
  const decodedText = symbol.flags & ts.SymbolFlags.TypeAlias ? symbol.name : textOf(decoded)
  return `declare const ${symbol.name}: Schema.Schema<${decodedText}, ${textOf(encoded)}>`
}

const isTypeOnlyExport = ({ declarations: [first] = [] }) =>
  first !== undefined && ts.isExportSpecifier(first) && (first.isTypeOnly || first.parent.parent.isTypeOnly)

/** Types come before values of the same name; a value of which only the type is exported is left out. */
const declaredTexts = (program, symbol, exported) => {
  const declarations = symbol.declarations ?? []
  const types = declarations.filter((declaration) => !ts.isVariableDeclaration(declaration))
  const values = declarations.filter(ts.isVariableDeclaration)
  const shown = isTypeOnlyExport(exported) ? types : [...types, ...values]
  const texts = shown.flatMap((declaration) => textsOf(program, declaration))
  return texts.map((text) => /^(export )?declare const /.test(text) ? schemaText(program, symbol, text) : text)
}

const readable = (code) => withoutSince(withoutInternalModules(withoutImportTypes(code)))

/** Every declaration of a symbol, once each, under the name that it is exported by. */
export const codeOf = (program, symbol, exported) => {
  const texts = declaredTexts(program, symbol, exported)
  const code = new Set(texts.map((text) => readable(text.replace(/^export /, ""))))
  return format([...code].join("\n\n")).replace(
    new RegExp(`^(declare (?:const|function|class) )${symbol.name}\\b`, "gm"),
    `$1${exported.name}`
  )
}
