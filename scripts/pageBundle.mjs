// Builds packages/platform-node/dist/page: the page of a session, its style and, in a part of its own that is loaded when it is
// first opened, the terminal. `manifest.json` holds the document and the types of the assets. With --size it prints what a
// browser downloads, compressed, and fails above the limit.
import { build } from "esbuild"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { licensesOf } from "./programBundle.mjs"

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages", "platform-node")
const target = join(folder, "dist", "page")
const limit = 250_000
const types = { js: "text/javascript", css: "text/css" }

const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' " +
  "height='16' rx='4' fill='%230b6e5f'/%3E%3Cpath d='M4 5l3 3-3 3M8.5 11H12' stroke='white' stroke-width='1.6' " +
  "fill='none' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

const documentOf = (script, style) =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="agb-page" content="session">
<title>AGB session</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="/assets/${style}">
<script type="module" src="/assets/${script}"></script>
</head>
<body><noscript>This page needs JavaScript.</noscript></body>
</html>
`

const bundle = () =>
  build({
    absWorkingDir: folder,
    entryPoints: { main: "page/main.tsx", page: "page/style/page.css" },
    outdir: target,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: ["es2022", "chrome110", "firefox115", "safari16.4"],
    tsconfigRaw: { compilerOptions: { jsx: "react-jsx", jsxImportSource: "preact", verbatimModuleSyntax: true } },
    define: { "process.env.NODE_ENV": "\"production\"" },
    legalComments: "none",
    metafile: true,
    logLevel: "warning"
  })

/** In one step, since a server may read it at the same time. */
const place = (name, contents) => {
  const temporary = `${target}.${process.pid}`
  writeFileSync(temporary, contents)
  renameSync(temporary, join(target, name))
}

/** The manifest comes last: it names files that are there. What another build may be about to name stays for a while. */
export const buildPage = async () => {
  const { metafile, outputFiles } = await bundle()
  const files = new Map(outputFiles.map(({ contents, path }) => [basename(path), contents]))
  const names = [...files.keys()].sort()
  const named = (start, end) => names.find((name) => name.startsWith(start) && name.endsWith(end))
  const manifest = {
    document: documentOf(named("main-", ".js"), named("page-", ".css")),
    assets: Object.fromEntries(names.map((name) => [name, types[name.split(".").at(-1)]]))
  }
  mkdirSync(target, { recursive: true })
  for (const [name, contents] of files) place(name, contents)
  place("notices.txt", licensesOf(metafile, folder))
  place("manifest.json", JSON.stringify(manifest, undefined, 2))
  for (const name of readdirSync(target)) {
    if (!files.has(name) && !["manifest.json", "notices.txt"].includes(name)) rmSync(join(target, name))
  }
}

/** The bytes of what a browser loads, compressed one by one. */
const sizes = () => {
  const { assets, document } = JSON.parse(readFileSync(join(target, "manifest.json"), "utf8"))
  const files = Object.keys(assets).map((name) => [name, readFileSync(join(target, name))])
  return [["document", Buffer.from(document)], ...files].map(([name, contents]) => [name, gzipSync(contents).length])
}

const checkSize = () => {
  const all = sizes()
  const sum = all.reduce((total, [, size]) => total + size, 0)
  for (const [name, size] of [...all, ["in all, with the terminal", sum]]) {
    console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${name}`)
  }
  if (sum > limit) {
    console.error(`more than ${limit / 1000} kB`)
    process.exitCode = 1
  }
}

/** The global setup of the tests. */
export const setup = buildPage

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage()
  if (process.argv.includes("--size")) checkSize()
}
