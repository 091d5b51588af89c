// The tarballs, the runtimes and the empty projects in which they are installed, all below one folder and each made when
// it is first asked for.
import { execFileSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { pack } from "../pack.mjs"
import { publishedPackages } from "../publishedPackages.mjs"
import { examples, installArguments } from "./readme.mjs"
import { run, serve } from "./run.mjs"
import { bun, deno, fromCatalog, packageManager, vite } from "./versions.mjs"

const programs = fileURLToPath(new URL("programs/", import.meta.url))

const cached = (make) => {
  const made = new Map()
  return (key) => {
    if (!made.has(key)) made.set(key, make(key))
    return made.get(key)
  }
}

const hasProgram = (name) => {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const interpreters = { python: "python3", r: "Rscript", java: "java" }

/** The languages that a session must be able to run here. */
export const languages = ["javascript", ...Object.keys(interpreters).filter((name) => hasProgram(interpreters[name]))]
export const missingLanguages = Object.keys(interpreters).filter((name) => !languages.includes(name))

export const chromium = ["chromium", "google-chrome", "chrome"].find(hasProgram)

/** Users of sandboxes must be able to come to what lies in it. */
export const makeFolder = () => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "agb-packed-"))
  chmodSync(folder, 0o755)
  return folder
}

const tarballsIn = (folder) =>
  Object.fromEntries(publishedPackages.map((name) => {
    const file = readdirSync(folder).find((file) => file.startsWith(`effect-agb-${name}-`) && file.endsWith(".tgz"))
    if (file === undefined) throw new Error(`${folder} has no tarball of @effect-agb/${name}`)
    return [name, resolve(folder, file)]
  }))

export const makeProjects = (folder, givenTarballs) => {
  const tarballs = givenTarballs === undefined ? pack(folder) : tarballsIn(givenTarballs)
  const environment = { DENO_DIR: join(folder, "deno"), BUN_INSTALL_CACHE_DIR: join(folder, "bun") }

  const empty = (name, manifest = {}) => {
    const cwd = join(folder, name)
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(cwd, "package.json"), JSON.stringify({ name, private: true, type: "module", ...manifest }))
    return cwd
  }
  const withPrograms = (cwd) => {
    cpSync(programs, cwd, { recursive: true })
    for (const [name, text] of Object.entries(examples)) writeFileSync(join(cwd, name), text)
    return cwd
  }
  const npm = (cwd, ...args) => run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...args], { cwd })

  /** Until core is published only the root of a project can say where it comes from. */
  const overrides = { "@effect-agb/core": `file:${tarballs.core}` }

  const installed = {
    npm: async () => {
      const cwd = empty("npm")
      await npm(cwd, ...installArguments(tarballs))
      return withPrograms(cwd)
    },
    pnpm: async () => {
      const cwd = empty("pnpm", { pnpm: { overrides } })
      await run("npx", ["-y", packageManager, "add", ...installArguments(tarballs)], { cwd })
      return withPrograms(cwd)
    },
    bun: async () => {
      const cwd = empty("bun", { overrides })
      await run(await runtime("bun"), ["add", "--ignore-scripts", ...installArguments(tarballs)], {
        cwd,
        env: environment
      })
      return withPrograms(cwd)
    }
  }

  const project = cached((manager) => installed[manager]())

  const runtime = cached(async (name) => {
    const [kind, version] = name.split(" ")
    const cwd = empty(`runtime-${name.replace(" ", "-")}`)
    const [packages, file] = {
      node: [
        `node-${process.platform}-${process.arch}@${version}`,
        `node-${process.platform}-${process.arch}/bin/node`
      ],
      bun: [`bun@${bun}`, `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : "x64"}/bin/bun`],
      deno: [`deno@${deno}`, `@deno/${process.platform}-${process.arch}-glibc/deno`]
    }[kind]
    await npm(cwd, packages)
    return join(cwd, "node_modules", file)
  })

  const server = cached(async () => {
    const cwd = await project("npm")
    const node = dirname(process.execPath)
    const { stdout, stop } = await serve(join(cwd, "node_modules/.bin/agb-local"), ["--log", "none"], /^# languages/m, {
      cwd,
      env: { PATH: `${node}:${process.env.PATH}` }
    })
    const env = Object.fromEntries(
      stdout.split("\n").filter((line) => line.startsWith("AGB_")).map((line) => line.split("="))
    )
    return { env, stop }
  })
  let isServing = false

  return {
    folder,
    tarballs,
    environment,
    empty,
    npm,
    project,
    runtime,
    /** With bundlers beside the packages. */
    bundlers: cached(async () => {
      const cwd = empty("bundlers")
      await npm(cwd, ...installArguments(tarballs), fromCatalog("esbuild"), `vite@${vite}`)
      return withPrograms(cwd)
    }),
    /** The variables of a client of the local runtime, which takes the place of the cloud. */
    cloud: async () => {
      isServing = true
      return (await server()).env
    },
    stop: async () => {
      if (isServing) await server().then(({ stop }) => stop(), () => {})
    }
  }
}
