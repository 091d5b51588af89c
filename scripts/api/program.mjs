// One TypeScript program over the public modules of the packages, and the declarations that it emits for each file.
import { existsSync, readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import ts from "typescript"
import { publishedLibraries } from "../publishedPackages.mjs"

const config = ts.readConfigFile("tsconfig.base.json", ts.sys.readFile).config
const { options } = ts.convertCompilerOptionsFromJson(
  {
    ...config.compilerOptions,
    composite: false,
    declarationMap: false,
    sourceMap: false,
    stripInternal: true,
    types: ["node"],
    typeRoots: ["node_modules/@types"]
  },
  process.cwd()
)

/** Public modules under a name that is no module's of this SDK; they have entry points of their own. */
const others = ["compat.ts"]

/** One public module per PascalCase file, as the barrels have it, and the others. */
const publicModules = (name) =>
  readdirSync(join("packages", name, "src"))
    .filter((file) => /^[A-Z].*\.ts$/.test(file) || others.includes(file))
    .sort()
    .map((file) => ({ package: name, name: file.slice(0, -3), path: resolve("packages", name, "src", file) }))

export const open = () => {
  const modules = publishedLibraries.flatMap(publicModules).filter(({ path }) => existsSync(path))
  const program = ts.createProgram(modules.map(({ path }) => path), options)
  const checker = program.getTypeChecker()
  return {
    checker,
    modules: modules.map((module) => ({ ...module, source: program.getSourceFile(module.path) })),
    emitted: declarationFiles(program)
  }
}

/** The emitted declarations of a source file, parsed. */
const declarationFiles = (program) => {
  const known = new Map()
  return (source) => {
    if (source.isDeclarationFile) return source
    if (!known.has(source)) {
      let text = ""
      program.emit(source, (_, written) => text = written, undefined, true)
      known.set(source, ts.createSourceFile(source.fileName, text, ts.ScriptTarget.Latest, true))
    }
    return known.get(source)
  }
}
