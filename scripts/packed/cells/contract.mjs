// The contract suite of this repository on both ends of the peer ranges: over the fake, which needs no process, and over the
// local runtime.
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../run.mjs"
import { effects, fromCatalog, platformNodes, root } from "../versions.mjs"

const tools = ["vitest", "@effect/vitest", "ws"].map(fromCatalog)

const config = `export default { test: { testTimeout: 60000, hookTimeout: 60000 } }\n`

/** What is tested is what is promised. */
const expectRanges = (cwd) => {
  for (const name of ["core", "platform-node"]) {
    const manifest = readFileSync(join(cwd, "node_modules/@effect-agb", name, "package.json"), "utf8")
    const { peerDependencies } = JSON.parse(manifest)
    for (const oldest of effects.oldest) {
      const [, peer, version] = /^(.+)@(.+)$/.exec(oldest)
      const [start] = peerDependencies[peer].replace(/^(\^|>=)/, "").split(" ")
      if (start !== version) {
        throw new Error(
          `@effect-agb/${name}: the range of ${peer} is ${peerDependencies[peer]}, and does not start at ${version}`
        )
      }
    }
  }
}

const summary = (text) => /^\s*Tests\s+(.+)$/m.exec(text)?.[1] ?? ""

const cellsOf = ([end, packages]) => {
  let made
  const project = (projects) =>
    made ??= (async () => {
      const cwd = projects.empty(`contract-${end}`)
      // The newest @effect/vitest runs on the oldest effect, whatever its own range says.
      const installed = [
        projects.tarballs.core,
        projects.tarballs["platform-node"],
        ...packages,
        platformNodes[end],
        ...tools
      ]
      await projects.npm(cwd, "--legacy-peer-deps", ...installed)
      expectRanges(cwd)
      cpSync(join(root, "packages/platform-node/test"), join(cwd, "test"), { recursive: true })
      writeFileSync(join(cwd, "vitest.config.mjs"), config)
      return cwd
    })()
  const vitest = (...args) => async (projects) => {
    const cwd = await project(projects)
    const text = await run(join(cwd, "node_modules/.bin/vitest"), ["run", ...args], { cwd, timeout: 1_200_000 })
    return summary(text)
  }
  return [
    { group: `contract ${end}`, name: "the fake", run: vitest("contractFake") },
    {
      group: `contract ${end}`,
      name: "local runtime without isolation",
      run: vitest("contractLocal", "-t", "no isolation")
    },
    { group: `contract ${end} whole`, name: "local runtime in every isolation", run: vitest("contractLocal") }
  ]
}

export const cells = Object.entries(effects).flatMap(cellsOf)
