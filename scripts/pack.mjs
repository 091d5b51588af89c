// The packages as `pnpm pack` packs them, and a folder in which they are installed from their tarballs.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { publishedPackages } from "./publishedPackages.mjs"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const pnpm = (cwd, args) => {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const running = process.env.npm_execpath
  const [command, ...first] = running?.includes("pnpm") ? [process.execPath, running] : ["npx", "-y", packageManager]
  return execFileSync(command, [...first, ...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
}

/** Builds and packs into a folder; the paths of the tarballs by the name of the package's folder. */
export const pack = (folder) =>
  Object.fromEntries(publishedPackages.map((name) => {
    const printed = pnpm(join(root, "packages", name), ["pack", "--json", "--pack-destination", folder])
    return [name, JSON.parse(printed.slice(printed.indexOf("{"))).filename]
  }))

const link = (folder, name, from) => {
  const target = join(folder, "node_modules", name)
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(realpathSync(from), target)
}

/** What the packages need is linked to what is installed here, so that nothing is fetched. */
const install = (folder, tarballs) => {
  const needed = new Map()
  for (const [name, tarball] of Object.entries(tarballs)) {
    const target = join(folder, "node_modules", "@effect-agb", name)
    mkdirSync(target, { recursive: true })
    execFileSync("tar", ["-xzf", tarball, "--strip-components", "1", "-C", target])
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(target, "package.json"), "utf8"))
    for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) {
      needed.set(dependency, join(root, "packages", name, "node_modules", dependency))
    }
  }
  for (const [name, from] of needed) if (!name.startsWith("@effect-agb/")) link(folder, name, from)
}

/** Runs a program with a folder in which the packed packages are installed, and what `others` maps to where it lies. */
export const withPacked = async (use, others = {}) => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "agb-packed-"))
  try {
    const tarballs = pack(folder)
    install(folder, tarballs)
    for (const [name, from] of Object.entries(others)) link(folder, name, join(root, from))
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
    return await use(folder, tarballs)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
