// Programs with all that they import, each in one file: `agb-local` and `agb`, so that they start at once, and the guardian of
// sessions, so that it needs nothing that may be removed while it waits. They are CommonJS, since what an ES module
// imports is loaded before its first line runs, also where only a lazy part of the bundle needs it: `agb-local --version` takes
// 1.4 times the time of `node -e 0` against 1.6.
import { build } from "esbuild"
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * What a module finds beside itself lies beside its compiled form, which is published as well. A module of another package gets
 * the URL of the bundle: it finds its package by name from there.
 */
const ownUrls = (source) => ({
  name: "own-urls",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      if (!path.startsWith(join(root, "packages")) || !text.includes("import.meta.url")) return undefined
      const compiled = path.startsWith(source) ? `./${relative(source, path).replace(/\.ts$/, ".js")}` : ""
      const url = `new URL(${JSON.stringify(compiled)}, require("node:url").pathToFileURL(__filename)).href`
      return { contents: text.replaceAll("import.meta.url", url), loader: "ts" }
    })
})

const packageOf = (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]

const licenseOf = (folder) => {
  const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.md|\.txt)?$/i.test(entry)) ?? "LICENSE"
  return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`
}

/** What the licences of the packages in a bundle ask to be told, of an esbuild run in `directory`. */
export const licensesOf = ({ outputs }, directory = ".") => {
  const used = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs)).filter(([, { bytesInOutput }]) =>
    bytesInOutput > 0
  )
  const folders = used.map(([path]) => packageOf(resolve(directory, path)))
  const others = [...new Set(folders)].filter((folder) => folder !== undefined).sort()
  return others.map(licenseOf).join(`\n${"-".repeat(80)}\n\n`)
}

/** In one step, since programs may be started, or built by another process, at the same time. */
const place = (file, contents) => {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, contents)
  renameSync(temporary, file)
}

const bundle = async (folder, entry, name) => {
  const source = join(root, "packages", folder, "src")
  const dist = join(root, "packages", folder, "dist")
  const { metafile, outputFiles: [{ contents }] } = await build({
    entryPoints: [join(source, entry)],
    outfile: join(dist, `${name}.cjs`),
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20.18",
    external: ["@swc/wasm-typescript"],
    plugins: [ownUrls(source)],
    metafile: true,
    logLevel: "warning"
  })
  place(join(dist, `${name}.cjs`), contents)
  place(join(dist, `${name}.notices.txt`), licensesOf(metafile))
}

export const bundleProgram = () => bundle("platform-node", "bin.ts", "agb-local")

export const bundleCli = () => bundle("cli", "bin.ts", "agb")

export const bundleGuardian = () => bundle("platform-node", "internal/guardian/program/main.ts", "guardian")
