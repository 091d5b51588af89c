// A TypeScript program as one JavaScript file, for tests that start it as a process. Loaded module by module, most of them
// compiled on the way, it takes ten times as long to start.
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
  writeFileSync
} from "node:fs"
import { basename, dirname, extname, join } from "node:path"
import { pathToFileURL } from "node:url"

/** Bundled modules find what lies beside their sources. */
const sourceUrls = {
  name: "source-urls",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.m?ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", url), loader: "ts" }
    })
}

const bundle = async (source) => {
  const { outputFiles: [output] } = await build({
    entryPoints: [source],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20.18",
    external: ["@swc/wasm-typescript"],
    banner: {
      js: "import { createRequire as requireOf } from \"node:module\"\n" +
        `const require = requireOf(${JSON.stringify(pathToFileURL(source).href)})`
    },
    plugins: [sourceUrls],
    logLevel: "warning"
  })
  return output.contents
}

const cacheOf = (source) => {
  let folder = dirname(source)
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder)
  return join(folder, "node_modules", ".cache", "test-programs")
}

const hour = 3_600_000

/** Earlier forms of the program, which no test that runs now has started. */
const removeOld = (folder, stem) => {
  for (const name of readdirSync(folder).filter((name) => name.startsWith(`${stem}-`))) {
    const path = join(folder, name)
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > hour) rmSync(path, { force: true })
  }
}

/** In one step, since other workers build the same; for users without rights, whatever the umask. */
const place = (source, contents) => {
  const folder = cacheOf(source)
  const stem = basename(source, extname(source))
  const file = join(folder, `${stem}-${createHash("sha256").update(contents).digest("hex").slice(0, 16)}.mjs`)
  mkdirSync(folder, { recursive: true })
  for (const path of [folder, dirname(folder)]) chmodSync(path, 0o755)
  removeOld(folder, stem)
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, contents)
  chmodSync(temporary, 0o644)
  renameSync(temporary, file)
  return file
}

const programs = new Map()

/** The file to start with `node` instead of `source`, an absolute path; built once in each process. */
export const testProgram = (source) => {
  const known = programs.get(source)
  if (known !== undefined) return known
  const program = bundle(source).then((contents) => place(source, contents))
  programs.set(source, program)
  return program
}
