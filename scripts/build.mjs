// Builds what is published, in place: compiled modules, core as few files, the agent with its kernels, the page, and `agb-local`, the
// guardian and `agb` as one file each. Each package's `prepack` runs it; run again it compiles only what has changed.
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { buildAgent, buildReplyWorker } from "./agentBundle.mjs"
import { bundleCore } from "./coreBundle.mjs"
import { buildPage } from "./pageBundle.mjs"
import { bundleCli, bundleGuardian, bundleProgram } from "./programBundle.mjs"
import { publishedPackages } from "./publishedPackages.mjs"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const packages = publishedPackages.map((name) => join(root, "packages", name))

const filesIn = (directory) =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    : []

/** What is not compiled has a place of its own: `dist/agent`, `dist/page`, `agb-local`, the thread. */
const isCompiled = (path) =>
  !/^(agent|page)\/|^(agb|agb-local|guardian)\.(cjs|notices\.txt)$|^replyWorker\.mjs$|\.tsbuildinfo$/.test(path)

/** `tsc -b` leaves the output of modules that were moved or removed. */
const removeStale = (directory) => {
  const dist = join(directory, "dist")
  for (const path of filesIn(dist).filter(isCompiled)) {
    const [, stem, c] = /^(.*?)(?:\.d)?\.(c?)[jt]s$/.exec(path) ?? []
    const sources = [`${stem}.${c}ts`, `${stem}.${c}js`]
    if (!sources.some((source) => existsSync(join(directory, "src", source)))) rmSync(join(dist, path))
  }
}

const compile = () => {
  packages.forEach(removeStale)
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", ...packages], {
    stdio: "inherit"
  })
}

export const build = async () => {
  compile()
  buildAgent()
  buildReplyWorker()
  await Promise.all([buildPage(), bundleCore(), bundleProgram(), bundleGuardian(), bundleCli()])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build()
