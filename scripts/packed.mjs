// Installs the packages from their tarballs into empty projects and runs them as users do: on every runtime, bundled, in a
// browser, under `tsc`, and with the oldest effect.
//
//     node scripts/packed.mjs [--list] [--all] [--tarballs folder] [word ...]
//
// Words choose the lines that contain one of them. Without any it runs `--all`, or else the choice of CI.
import { rmSync } from "node:fs"
import { parseArgs } from "node:util"
import { cells as agents } from "./packed/cells/agents.mjs"
import { cells as browser } from "./packed/cells/browser.mjs"
import { cells as bundles } from "./packed/cells/bundles.mjs"
import { cells as cli } from "./packed/cells/cli.mjs"
import { cells as contract } from "./packed/cells/contract.mjs"
import { cells as descriptors } from "./packed/cells/descriptors.mjs"
import { cells as node } from "./packed/cells/node.mjs"
import { cells as otherRuntimes } from "./packed/cells/otherRuntimes.mjs"
import { cells as types } from "./packed/cells/types.mjs"
import { makeFolder, makeProjects, missingLanguages } from "./packed/projects.mjs"
import { endAll } from "./packed/run.mjs"

const all = [
  ...node,
  ...otherRuntimes,
  ...bundles,
  ...browser,
  ...types,
  ...descriptors,
  ...agents,
  ...cli,
  ...contract
]

const titleOf = ({ group, name }) => `${group}: ${name}`

/** One Node, and whatever differs from it in more than its version. */
const usual = [
  /^node 20\.18\.1 npm: (README|all languages, local)/,
  /^node 24.* npm: (README with Effect$|require)/,
  /^node 20\.20.* pnpm: README with promises/,
  /^(bun|deno): (README with Effect|all languages|README with promises is)/,
  /^bundles: /,
  /^browser: (size|web)/,
  /^types: (nodenext, no DOM|node16|bundler)/,
  /^few descriptors: /,
  /^agents: /,
  /^cli node 20\.18/,
  /^contract oldest: /
]

const { positionals: words, values } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "boolean" }, all: { type: "boolean" }, tarballs: { type: "string" } }
})

const chosen = all.map((cell) => ({ ...cell, title: titleOf(cell) })).filter(({ title }) =>
  words.length > 0
    ? words.some((word) => title.includes(word))
    : values.all || usual.some((pattern) => pattern.test(title))
)

const width = Math.max(...chosen.map(({ title }) => title.length))

const runOne = async ({ run, title }, projects) => {
  const start = performance.now()
  const print = (mark, detail) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6)
    console.log(`${mark}  ${title.padEnd(width)} ${seconds} s  ${detail}`.trimEnd())
  }
  try {
    print("ok    ", await run(projects) ?? "")
    return true
  } catch (error) {
    print("FAILED", "")
    console.error(error.message.replace(/^/gm, "        "))
    return false
  }
}

const runAll = async (folder) => {
  const projects = makeProjects(folder, values.tarballs)
  let failed = 0
  try {
    for (const cell of chosen) if (!await runOne(cell, projects)) failed++
  } finally {
    await projects.stop()
  }
  console.log(`\n${chosen.length - failed} passed, ${failed} failed`)
  return failed
}

const main = async () => {
  if (missingLanguages.length > 0) console.log(`not run, since this machine lacks them: ${missingLanguages.join(", ")}`)
  const folder = makeFolder()
  const clean = async () => {
    await endAll()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => void clean().finally(() => process.exit(130)))
  }
  const failed = await runAll(folder).finally(clean)
  if (failed > 0 || chosen.length === 0) process.exitCode = 1
}

if (values.list) { for (const { title } of chosen) console.log(title) }
else await main()
