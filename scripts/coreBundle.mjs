// Bundles core for publication. Node's loader takes about a millisecond a file, longer than most modules run, so what the
// public modules share is one file. Each public module stays a file of its own, with its declarations beside it.
import { build } from "esbuild"
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages", "core")
const source = join(directory, "src")
const dist = join(directory, "dist")

const publicModules = readdirSync(source).filter((name) => /^[A-Z]\w*\.ts$/.test(name)).map((name) =>
  basename(name, ".ts")
)

/** Few programs use these, so that what they alone need stays with them. */
const seldom = ["AgbContract", "AgbPromise", "AgbTest", "AgbServer", "TerminalSocket"]

/** Programs may need nothing but the errors, so that these and what is below them are a file of their own. */
const lowest = "AgbError"

const importOf = (name) => `import ${JSON.stringify(join(source, `${name}.ts`))}\n`
const sharedImports = publicModules.filter((name) => !seldom.includes(name)).map(importOf).join("")

/** esbuild splits by which entries import a module. Each entry imports all shared ones, so that it finds nothing to split. */
const sharedModules = {
  name: "shared-modules",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice("entry:".length), namespace: "entry" }))
    onResolve({ filter: /^\// }, ({ path }) => ({ path }))
    onLoad({ filter: /./, namespace: "entry" }, ({ path }) => ({
      contents: `${path === lowest ? "" : sharedImports}export * from ${JSON.stringify(join(source, `${path}.ts`))}`
    }))
  }
}

const isInert = (node) =>
  ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isIdentifier(node) || ts.isLiteralExpression(node)

/** Where expressions start and end that do something when their module is loaded, and what goes before them. */
const initializers = (statement) => {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations
      .filter(({ initializer }) => initializer !== undefined && !isInert(initializer))
      .map(({ initializer }) => ({ start: initializer.getStart(), end: initializer.end, before: "" }))
  }
  if (!ts.isClassDeclaration(statement)) return []
  const keyword = statement.getChildren().find(({ kind }) => kind === ts.SyntaxKind.ClassKeyword)
  return [{ start: keyword.getStart(), end: statement.end, before: `const ${statement.name.text} = ` }]
}

/**
 * Puts each initializer into a function that is marked as pure, so that bundlers drop what a program does not use. They see
 * that an unused module can go, since the manifest says so, but not that an unused schema, class or spread can.
 */
const pureInitializers = {
  name: "pure-initializers",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      const contents = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true).statements
        .flatMap(initializers)
        .reduceRight((rest, { before, end, start }) => {
          const wrapped = `${before}/* @__PURE__ */ (() => (${rest.slice(start, end)}))()`
          return rest.slice(0, start) + wrapped + rest.slice(end)
        }, text)
      return { contents, loader: "ts" }
    })
}

const common = {
  absWorkingDir: directory,
  outdir: "dist",
  format: "esm",
  target: "es2022",
  logLevel: "warning",
  metafile: true
}

export const bundleCore = async () => {
  const bundled = await build({
    ...common,
    entryPoints: publicModules.map((name) => ({ in: `entry:${name}`, out: name })),
    chunkNames: "internal/[name]-[hash]",
    bundle: true,
    splitting: true,
    packages: "external",
    plugins: [sharedModules, pureInitializers]
  })
  const index = await build({ ...common, entryPoints: [join(source, "index.ts")] })
  const outputs = [bundled, index].flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((path) =>
    join(directory, path)
  )
  for (const name of readdirSync(dist, { recursive: true }).filter((name) => name.endsWith(".js"))) {
    if (!outputs.includes(join(dist, name))) rmSync(join(dist, name))
  }
}
