// Every version that the tests of the packed packages install. What the repository itself uses comes from its catalog.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../", import.meta.url))

const workspace = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")

/** `name@version` of what is in the catalog. */
export const fromCatalog = (name) => {
  const version = new RegExp(`^  "?${name}"?: (\\S+)$`, "m").exec(workspace)?.[1]
  if (version === undefined) throw new Error(`${name} is not in the catalog`)
  return `${name}@${version}`
}

export const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))

/** The oldest that is supported, and the last of each line. */
export const nodes = ["20.18.1", "20.20.2", "22.23.3", "24.21.0"]
export const bun = "1.4.5"
export const deno = "2.9.6"
export const vite = "8.4.0"
export const newestTypeScript = "7.0.2"

/**
 * Both ends of the peer ranges. The types of the packages need `Schema.declare` of effect 3.13.3, whose own types have an
 * error that 3.13.4 has not.
 */
export const effects = {
  oldest: ["effect@3.13.4", "@effect/platform@0.77.4"],
  pinned: [fromCatalog("effect"), fromCatalog("@effect/platform")]
}

/** The platform's file system on Node, of the same time, for tests. */
export const platformNodes = { oldest: "@effect/platform-node@0.73.4", pinned: fromCatalog("@effect/platform-node") }
