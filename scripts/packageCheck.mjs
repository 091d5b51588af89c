// What users install: the tarballs hold what they must and nothing else, and publint and attw find no fault in them.
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { withPacked } from "./pack.mjs"
import { publishedPrograms } from "./publishedPackages.mjs"

const bundles = (...names) => names.flatMap((name) => [`dist/${name}.cjs`, `dist/${name}.notices.txt`])

const page = ["manifest.json", "notices.txt"].map((name) => `dist/page/${name}`)

/** What a package needs beyond what each has. */
const needed = { "platform-node": [...bundles("agb-local", "guardian"), ...page], cli: bundles("agb") }
const always = ["README.md", "LICENSE", "CHANGELOG.md", "package.json"]
const library = ["dist/index.js", "dist/index.d.ts"]
const kernels = ["Kernel.java", "kernel.R", "kernel.py"]
const allowed = /^(README\.md|LICENSE|CHANGELOG\.md|package\.json|dist\/.+)$/
const unwanted = /\.map$|\.tsbuildinfo$|\.test\.|(^|\/)(test|src)\/|^dist\/bin\./

const faultsOf = (name, folder) => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  const wanted = [...always, ...publishedPrograms.includes(name) ? [] : library, ...needed[name] ?? []]
  const missing = wanted.filter((file) => !existsSync(join(folder, file)))
  const kernel = name !== "platform-node"
    ? []
    : kernels.filter((kernel) => !files.some((file) => file.endsWith(`/${kernel}`)))
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const ranges = Object.entries({ ...dependencies, ...peerDependencies }).filter(([, range]) => /^\d|:/.test(range))
  return [
    ...[...missing, ...kernel].map((file) => `${file} is missing`),
    ...files.filter((file) => !allowed.test(file) || unwanted.test(file)).map((file) =>
      `${file} does not belong there`
    ),
    ...ranges.map(([dependency, range]) => `${dependency}: ${range} is not a range`)
  ]
}

await withPacked((folder, tarballs) => {
  for (const [name, tarball] of Object.entries(tarballs)) {
    const faults = faultsOf(name, join(folder, "node_modules", "@effect-agb", name))
    for (const fault of faults) console.error(`@effect-agb/${name}: ${fault}`)
    if (faults.length > 0) process.exitCode = 1
    const run = (command, ...args) => execFileSync("npx", ["--no-install", command, ...args], { stdio: "inherit" })
    run("publint", "run", tarball, "--strict")
    if (!publishedPrograms.includes(name)) run("attw", tarball, "--profile", "esm-only", "--quiet")
  }
})
