// Writes the API reference, docs/api: one page per public module, and an index.
// With --check it writes nothing and fails if a page is out of date.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import ts from "typescript"
import { commentOf, headOf } from "./api/comments.mjs"
import { codeOf } from "./api/declarations.mjs"
import { unexplainedNames } from "./api/names.mjs"
import { indexPage, modulePage } from "./api/page.mjs"
import { open } from "./api/program.mjs"
import { publishedLibraries } from "./publishedPackages.mjs"

const target = join("docs", "api")
const program = open()
const { checker } = program
const complaints = []

const resolved = (symbol) => symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

const byName = (a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0

/** `outer` is what an internal namespace, whose members have no tags, takes the version from. */
const entryOf = (where, name, symbol, outer = {}) => {
  const declared = resolved(symbol)
  const comment = { ...outer, ...commentOf(...new Set([symbol, declared])) }
  const code = codeOf(program, declared, symbol)
  if (comment.isInternal) return []
  if (comment.category === undefined || comment.since === undefined) {
    complaints.push(`${where}: ${name} needs @since and @category`)
  }
  if (code === "" || /\bany\b/.test(code.replace(/\/\*.*?\*\//gs, ""))) {
    complaints.push(`${where}: ${name} has no type that can be shown`)
  }
  return [{ ...comment, category: comment.category ?? "models", name, code }]
}

/** The export itself, and what its namespace holds under `Name.`. */
const entriesOf = (where, symbol) => {
  const declared = resolved(symbol)
  const name = symbol.name
  const isOnlyNamespace = declared.declarations?.every(ts.isModuleDeclaration) ?? false
  const inside = (declared.declarations ?? []).some(ts.isModuleDeclaration) ? checker.getExportsOfModule(declared) : []
  const outer = { category: "models", since: commentOf(symbol).since }
  return [
    ...(isOnlyNamespace ? [] : entryOf(where, name, symbol)),
    ...inside.filter((member) => member.name !== "prototype").flatMap((member) =>
      entryOf(where, `${name}.${member.name}`, member, outer)
    )
  ]
}

const moduleOf = (module) => {
  const where = `${module.package}/src/${module.name}.ts`
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(module.source))
  return {
    ...module,
    head: headOf(module.source),
    entries: exported.flatMap((symbol) => entriesOf(where, symbol)).sort(byName)
  }
}

const pages = new Map()
const described = publishedLibraries.map((folder) => {
  const { description, name: packageName } = JSON.parse(readFileSync(join("packages", folder, "package.json"), "utf8"))
  const modules = program.modules.filter((module) => module.package === folder).map(moduleOf)
  const index = readFileSync(join("packages", folder, "src", "index.ts"), "utf8")
  for (const { entries, head, name } of modules) {
    const isIndexed = index.includes(`from "./${name}.js"`)
    pages.set(join(folder, `${name}.md`), modulePage({ entries, head, isIndexed, name, packageName }))
  }
  return { name: packageName, description, folder, modules }
})
complaints.push(...unexplainedNames(checker, described.flatMap(({ modules }) => modules)))
pages.set("README.md", indexPage(described))

const existing = () => {
  try {
    return readdirSync(target, { recursive: true }).filter((file) => file.endsWith(".md"))
  } catch {
    return []
  }
}

const contentOf = (file) => {
  try {
    return readFileSync(join(target, file), "utf8")
  } catch {
    return undefined
  }
}

const stale = [...pages.keys()].filter((file) => contentOf(file) !== pages.get(file))
const leftOver = existing().filter((file) => !pages.has(file))

if (process.argv.includes("--check")) {
  for (const file of [...stale, ...leftOver]) complaints.push(`${join(target, file)} is out of date: run pnpm run docs`)
} else {
  for (const file of leftOver) rmSync(join(target, file))
  for (const file of stale) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    writeFileSync(join(target, file), pages.get(file))
  }
}
for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length === 0 ? 0 : 1
