// Which names the declarations of a reference use and nothing explains: a reader can neither look them up nor import them.
import { existsSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"

const isOfEffect = (name) => existsSync(join("packages/core/node_modules/effect/dist/dts", `${name}.d.ts`))

const leftmost = (name) => ts.isQualifiedName(name) ? leftmost(name.left) : name

/** A parameter or a member that is not for users. */
const isInternal = (node) =>
  (ts.isParameter(node) || ts.isConstructorDeclaration(node)) &&
  /\/\*\* @internal \*\/\s*$/.test(node.getFullText().slice(0, node.getLeadingTriviaWidth()))

/** The unqualified types that a declaration refers to, without its own type parameters. */
const namesIn = (code) => {
  const used = new Set()
  const own = new Set()
  const visit = (node) => {
    if (isInternal(node)) return
    if (ts.isTypeParameterDeclaration(node)) own.add(node.name.text)
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) used.add(node.typeName.text)
    if (ts.isTypeQueryNode(node)) used.add(leftmost(node.exprName).text)
    if (ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression)) used.add(node.expression.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile("declaration.ts", code, ts.ScriptTarget.Latest, true))
  return [...used].filter((name) => !own.has(name))
}

/** Complaints about names that are neither exported by a module of `modules` nor global nor a module of Effect. */
export const unexplainedNames = (checker, modules) => {
  const exported = new Set(modules.flatMap(({ entries }) => entries.flatMap(({ name }) => name.split("."))))
  const kinds = ts.SymbolFlags.Type | ts.SymbolFlags.Value
  const isKnown = (name) =>
    exported.has(name) || isOfEffect(name) ||
    checker.resolveName(name, undefined, kinds, false) !== undefined
  return modules.flatMap(({ entries, name: module, package: folder }) =>
    entries.flatMap(({ code, name }) =>
      namesIn(code).filter((used) => !isKnown(used)).map((used) =>
        `${folder}/src/${module}.ts: ${name} refers to ${used}, which is not exported`
      )
    )
  )
}
