/** Debian's Python: whether it has the packages that notebooks need, and the same without IPython. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const debian = "/usr/lib/python3/dist-packages"

const installed = (name: string): string =>
  spawnSync("dpkg-query", ["-W", "-f", "${Status} ${Version}", name], { encoding: "utf8" }).stdout ?? ""

export const missing = (packages: ReadonlyArray<string>): ReadonlyArray<string> =>
  packages.filter((name) => !installed(name).startsWith("install ok installed"))

/** What ipykernel gave holds for these. */
export const versions = (packages: ReadonlyArray<string>): string => packages.map(installed).join()

/** Makes an environment with all packages of Debian but IPython, and returns the folder of its programs. */
export const withoutIPython = (folder: string): string => {
  const environment = join(folder, "python")
  rmSync(environment, { recursive: true, force: true })
  execFileSync("/usr/bin/python3", ["-m", "venv", "--without-pip", environment])
  const libraries = join(environment, "libraries")
  mkdirSync(libraries)
  for (const name of readdirSync(debian)) {
    if (!/^(IPython|ipython|ipykernel|matplotlib_inline)/.test(name)) {
      symlinkSync(join(debian, name), join(libraries, name))
    }
  }
  const [version] = readdirSync(join(environment, "lib"))
  writeFileSync(join(environment, "lib", String(version), "site-packages", "debian.pth"), `${libraries}\n`)
  return join(environment, "bin")
}
