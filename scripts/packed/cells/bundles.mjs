// Programs bundled for Node. The cloud's client needs nothing but the bundle; the local runtime needs the package beside it
// and says so where it is not.
import { cpSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { languages } from "../projects.mjs"
import { refusal, run } from "../run.mjs"

const env = { LANGUAGES: languages.join() }

/** A CommonJS dependency asks for Node's modules with `require`, which ES modules do not have. */
const requireInModules = "import { createRequire as requireFrom } from \"node:module\"; " +
  "const require = requireFrom(import.meta.url);"

/** Bundles the program of all languages for Node. */
export const esbuild = async (cwd, target, ...args) => {
  const common = ["languages.mjs", "--bundle", "--platform=node", "--target=node20", "--log-level=error"]
  await run(join(cwd, "node_modules/.bin/esbuild"), [...common, `--outfile=${target}`, ...args], { cwd })
}

const vite = async (cwd, target) => {
  const config = {
    build: {
      ssr: "languages.mjs",
      outDir: target,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: "bundle.mjs" } }
    },
    ssr: { noExternal: true }
  }
  writeFileSync(join(cwd, "vite.config.mjs"), `export default ${JSON.stringify(config)}\n`)
  await run(join(cwd, "node_modules/.bin/vite"), ["build"], { cwd })
}

const bundlers = {
  "esbuild, CommonJS": {
    file: "bundle.cjs",
    build: (cwd, target) => esbuild(cwd, join(target, "bundle.cjs"), "--format=cjs")
  },
  "esbuild, ES modules": {
    file: "bundle.mjs",
    build: (cwd, target) => esbuild(cwd, join(target, "bundle.mjs"), "--format=esm", `--banner:js=${requireInModules}`)
  },
  "vite": { file: "bundle.mjs", build: vite }
}

const needsPackage = /must stay external to the bundle/

const cellOf = ([name, { build, file }]) => ({
  group: "bundles",
  name,
  run: async ({ bundlers, cloud, empty }) => {
    const source = await bundlers()
    const beside = join(source, `out-${name.replace(/\W+/g, "-")}`)
    await build(source, beside)
    const alone = empty(`bundle-${name.replace(/\W+/g, "-")}`)
    cpSync(beside, alone, { recursive: true })
    await run(process.execPath, [file], { cwd: alone, env: { ...env, ...await cloud() } })
    await refusal(process.execPath, [file], needsPackage, { cwd: alone, env })
    if (file.endsWith(".mjs")) await run(process.execPath, [join(beside, file)], { cwd: source, env })
    return `cloud client; local runtime refused alone${file.endsWith(".mjs") ? ", works beside the package" : ""}`
  }
})

export const cells = [
  ...Object.entries(bundlers).map(cellOf),
  {
    group: "bundles",
    name: "esbuild, the package external",
    run: async ({ bundlers }) => {
      const cwd = await bundlers()
      await esbuild(cwd, "external.mjs", "--format=esm", "--external:@effect-agb/platform-node")
      await run(process.execPath, ["external.mjs"], { cwd, env })
      return "local runtime"
    }
  }
]
