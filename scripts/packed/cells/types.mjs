// A consumer's project, checked together with the declarations of its libraries. Its own declarations name no internal module.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { typed } from "../readme.mjs"
import { run } from "../run.mjs"
import { effects, fromCatalog, newestTypeScript } from "../versions.mjs"

const made = new Map()

const makeConsumer = async (projects, packages) => {
  const cwd = projects.empty(`types-${made.size}`)
  await projects.npm(cwd, "--legacy-peer-deps", ...Object.values(projects.tarballs), ...packages)
  for (const [file, text] of Object.entries(typed)) writeFileSync(join(cwd, file), text)
  cpSync(new URL("../programs/consumer.ts", import.meta.url), join(cwd, "consumer.ts"))
  return cwd
}

/** One for each choice of packages. */
const consumer = (projects, packages) => {
  const key = packages.join()
  if (!made.has(key)) made.set(key, makeConsumer(projects, packages))
  return made.get(key)
}

const typescript = fromCatalog("typescript")
const nodeTypes = fromCatalog("@types/node")
/** effect's own declarations name `AbortSignal` and `URL`: of the DOM, or else of Node. */
const withNode = { lib: ["ES2023", "ESNext.Disposable"], types: ["node"] }
const withDom = { lib: ["ES2023", "DOM", "ESNext.Disposable"], types: [] }

const resolutions = {
  nodenext: { module: "NodeNext", moduleResolution: "NodeNext" },
  bundler: { module: "ES2022", moduleResolution: "Bundler" },
  node16: { module: "Node16", moduleResolution: "Node16" }
}

/** What the compiler infers is written into declarations: a module that the manifest hides cannot be imported from there. */
const checkDeclared = (folder) => {
  for (const name of readdirSync(folder)) {
    const [hidden] = /import\("[^"]*\/internal\/[^"]*"\)\.\w+/.exec(readFileSync(join(folder, name), "utf8")) ?? []
    if (hidden !== undefined) throw new Error(`${name} refers to ${hidden}`)
  }
}

const cellOf = ([name, { effect = "pinned", typescript: compiler = typescript, ...options }]) => ({
  group: "types",
  name,
  run: async (projects) => {
    const packages = [...effects[effect], compiler, nodeTypes]
    const cwd = await consumer(projects, packages)
    const compilerOptions = {
      target: "ES2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      declaration: true,
      emitDeclarationOnly: true,
      outDir: "declared",
      ...withNode,
      ...resolutions.nodenext,
      ...options
    }
    const files = ["consumer.ts", ...compilerOptions.types.length > 0 ? Object.keys(typed) : []]
    writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, files }))
    rmSync(join(cwd, "declared"), { recursive: true, force: true })
    await run(join(cwd, "node_modules/.bin/tsc"), ["-p", "."], { cwd })
    checkDeclared(join(cwd, "declared"))
  }
})

export const cells = Object.entries({
  "nodenext, no DOM": resolutions.nodenext,
  "bundler, no DOM": resolutions.bundler,
  "node16, no DOM": resolutions.node16,
  "nodenext, DOM without types of Node": withDom,
  "nodenext, oldest effect": { effect: "oldest" },
  "nodenext, newest TypeScript": { typescript: `typescript@${newestTypeScript}` }
}).map(cellOf)
