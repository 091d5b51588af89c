// TypeScript programs as JavaScript files, for tests that start them as processes. Loaded module by module, most of them
// compiled on the way, they take ten times as long to start. The programs of a package are built together, since most of
// the work is on what they share, and again only when a file that they were built from has changed.
import { build } from "esbuild"
import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, extname, join, relative } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

/** Bundled modules find what lies beside their sources. */
const sourceUrls = {
  name: "source-urls",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.m?ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", url), loader: "ts" }
    })
}

const isProgram = (path) => /^examples\/src\/\w+\.ts$|\/src\/bin\.ts$|\/test\/.*\.mts$/.test(path)

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Of a package, as paths in it. */
const programsOf = (folder) =>
  ["src", "test"].flatMap((part) =>
    readdirSync(join(folder, part), { recursive: true }).map((name) => join(part, name))
      .filter((name) => isProgram(join(relative(root, folder), name)))
  ).sort()

const bundle = (folder, programs) =>
  build({
    absWorkingDir: folder,
    entryPoints: programs,
    outbase: ".",
    outdir: ".",
    outExtension: { ".js": ".mjs" },
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    target: "node20.18",
    external: ["@swc/wasm-typescript"],
    banner: {
      js: "import { createRequire as requireOf } from \"node:module\"\n" +
        `const require = requireOf(${JSON.stringify(pathToFileURL(join(folder, "package.json")).href)})`
    },
    plugins: [sourceUrls],
    logLevel: "warning"
  })

const hour = 3_600_000

const touch = (path) => utimesSync(path, new Date(), new Date())

/** Earlier forms of the programs, which no test that runs now has started. */
const removeOld = (cache) => {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name)
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < hour) continue
    rmSync(path, { recursive: true, force: true })
  }
}

const hashOf = (outputs) => {
  const hash = createHash("sha256")
  for (const { contents, path } of outputs) hash.update(path).update("\0").update(contents)
  return hash.digest("hex").slice(0, 16)
}

/** In one step, since other workers build the same; for users without rights, whatever the umask. */
const place = (cache, folder, outputs) => {
  const target = join(cache, hashOf(outputs))
  const temporary = `${target}.${process.pid}`
  for (const { contents, path } of outputs) {
    const file = join(temporary, relative(folder, path))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, contents)
    chmodSync(file, 0o644)
  }
  for (const name of ["", ...readdirSync(temporary, { recursive: true })].filter((name) => extname(name) === "")) {
    chmodSync(join(temporary, name), 0o755)
  }
  if (!existsSync(target)) {
    try {
      renameSync(temporary, target)
    } catch (error) {
      if (!existsSync(target)) throw error
    }
  }
  rmSync(temporary, { recursive: true, force: true })
  touch(target)
  return target
}

/** Changes with the content of a file. */
const stampOf = (path) => {
  const { ctimeMs, size } = statSync(path, { throwIfNoEntry: false }) ?? { ctimeMs: 0, size: 0 }
  return [ctimeMs, size]
}

/** What was built from what; only where nothing has changed meanwhile. */
const remember = (file, begun, programs, inputs, target) => {
  const stamps = inputs.map((path) => [path, ...stampOf(path)])
  if (stamps.some(([, changed]) => changed >= begun)) return
  writeFileSync(`${file}.${process.pid}`, JSON.stringify({ programs, stamps, target }))
  renameSync(`${file}.${process.pid}`, file)
}

/** The folder of the programs as they would be built now, if it is there. */
const remembered = (file, programs) => {
  if (!existsSync(file)) return undefined
  const { programs: built, stamps, target } = JSON.parse(readFileSync(file, "utf8"))
  const isCurrent = built.join() === programs.join() && existsSync(target) &&
    stamps.every(([path, changed, size]) => stampOf(path).join() === `${changed},${size}`)
  if (isCurrent) { for (const path of [file, target]) touch(path) }
  return isCurrent ? target : undefined
}

const buildAll = async (folder) => {
  const cache = join(folder, "node_modules", ".cache", "test-programs")
  const memory = join(cache, "built.json")
  const programs = programsOf(folder)
  const known = remembered(memory, programs)
  if (known !== undefined) return known
  mkdirSync(cache, { recursive: true })
  for (const path of [cache, dirname(cache)]) chmodSync(path, 0o755)
  const begun = Date.now()
  const { metafile, outputFiles } = await bundle(folder, programs)
  const target = place(cache, folder, outputFiles)
  removeOld(cache)
  const inputs = Object.keys(metafile.inputs).map((path) => join(folder, path)).filter((path) => existsSync(path))
  remember(memory, begun, programs, [fileURLToPath(import.meta.url), ...inputs], target)
  return target
}

const packageOf = (source) => {
  let folder = dirname(source)
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder)
  return folder
}

const folders = new Map()

/** The file to start with `node` instead of `source`, an absolute path; looked for once in each process. */
export const testProgram = async (source) => {
  const folder = packageOf(source)
  if (!folders.has(folder)) folders.set(folder, buildAll(folder))
  const path = relative(folder, source)
  return join(await folders.get(folder), dirname(path), `${basename(path, extname(path))}.mjs`)
}
