// Copies of the checkout in which code is broken while others work in the original.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"

const shared = ["package.json", "scripts", "vitest.config.ts", "vitest.workspace.ts"]

const parts = ["package.json", "agent", "page", "src", "test"]

/** What is installed is shared, but for links between packages. */
const linkInstalled = (root, from, to, place) => {
  Fs.mkdirSync(to, { recursive: true })
  for (const name of Fs.readdirSync(from)) {
    if (name.startsWith(".")) continue
    if (name.startsWith("@")) linkInstalled(root, join(from, name), join(to, name), place)
    else {
      const target = Fs.realpathSync(join(from, name))
      const inside = relative(root, target)
      Fs.symlinkSync(inside.startsWith("packages") ? join(place, inside) : target, join(to, name))
    }
  }
}

/** Copies the packages to `place`; the agent is built there by the tests, as everywhere. */
export const copyCheckout = (root, place) => {
  Fs.mkdirSync(join(place, "tmp"), { recursive: true })
  Fs.chmodSync(join(place, "tmp"), 0o1777)
  for (const name of shared) Fs.cpSync(join(root, name), join(place, name), { recursive: true })
  Fs.symlinkSync(Fs.realpathSync(join(root, "node_modules")), join(place, "node_modules"))
  for (const name of Fs.readdirSync(join(root, "packages"))) {
    const [from, to] = [join(root, "packages", name), join(place, "packages", name)]
    Fs.mkdirSync(to, { recursive: true })
    for (const part of parts.filter((part) => Fs.existsSync(join(from, part)))) {
      Fs.cpSync(join(from, part), join(to, part), { recursive: true })
    }
    linkInstalled(root, join(from, "node_modules"), join(to, "node_modules"), place)
  }
  return place
}

/** Mutants may leave folders behind that sandboxed code has locked, or made deeper than any path. */
const remove = (folder) => {
  spawnSync("chmod", ["-R", "u+rwX", folder])
  spawnSync("rm", ["-rf", folder])
}

/** Runs with a folder that is gone afterwards. */
export const withFolder = async (name, run) => {
  const folder = Fs.mkdtempSync(join(Fs.realpathSync(tmpdir()), `${name}-`))
  Fs.chmodSync(folder, 0o755)
  try {
    return await run(folder)
  } finally {
    remove(folder)
  }
}

const textOf = (path) => {
  try {
    return Fs.readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** Mutants may leave sandboxes behind: what has the copy in its command line or environment is ended. */
export const endLeftovers = (place) => {
  const isOurs = (pid) => `${textOf(`/proc/${pid}/cmdline`)}${textOf(`/proc/${pid}/environ`)}`.includes(`${place}/`)
  for (const pid of Fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    if (!isOurs(pid)) continue
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended with another.
    }
  }
}
