// `agb-local` with all that it imports, in one file, so that it starts at once. It is CommonJS, since what an ES module
// imports is loaded before its first line runs, also where only a lazy part of the bundle needs it: 1.4 times the time of
// `node -e 0` for --version against 1.6.
import { build } from "esbuild"
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const directory = join(root, "packages", "platform-node")
const source = join(directory, "src")
const program = join(directory, "dist", "agb-local.cjs")
const notices = join(directory, "dist", "agb-local.notices.txt")

/** What a module finds beside itself lies beside its compiled form, which is published as well. */
const ownUrls = {
  name: "own-urls",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      if (!path.startsWith(source) || !text.includes("import.meta.url")) return undefined
      const compiled = JSON.stringify(`./${relative(source, path).replace(/\.ts$/, ".js")}`)
      const url = `new URL(${compiled}, require("node:url").pathToFileURL(__filename)).href`
      return { contents: text.replaceAll("import.meta.url", url), loader: "ts" }
    })
}

const packageOf = (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]

const licenseOf = (folder) => {
  const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`
}

export const bundleProgram = async () => {
  const { metafile } = await build({
    entryPoints: [join(source, "bin.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.18",
    external: ["@swc/wasm-typescript"],
    plugins: [ownUrls],
    metafile: true,
    logLevel: "warning"
  })
  const [output] = Object.values(metafile.outputs)
  const used = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const folders = used.map(([path]) => packageOf(resolve(path)))
  const others = [...new Set(folders)].filter((folder) => folder !== undefined).sort()
  writeFileSync(notices, others.map(licenseOf).join(`\n${"-".repeat(80)}\n\n`))
}
