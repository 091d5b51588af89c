// Proves that the tests can fail: breaks one defence at a time in a copy of the packages and demands that the test which
// watches over it fails on an assertion. That every mutant can still be made is always checked.
//
//     node scripts/mutants.mjs [--as-nobody] [--passed] [--sample n] [--seed text] [word ...]
//
// Words select folders of tests (`sandbox`), lists (`attacksSession`) or defences by a part of their name. With --sample
// only n of them are proven: others for every seed, which is MUTANTS_SEED or else the commit. With --as-nobody, for root
// only, the same in a copy of the checkout that belongs to a user without rights. With --passed the tests are not run
// without a mutant first, since they have just passed here.
import { spawnSync } from "node:child_process"
import { availableParallelism } from "node:os"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { copyCheckout, withFolder } from "./mutants/checkoutCopy.mjs"
import { isSelected, readMutants, sampleOf, staleOf } from "./mutants/lists.mjs"
import { uncaughtOf } from "./mutants/proof.mjs"

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..")
const nobody = "65534"
const isRoot = process.getuid?.() === 0

const commit = () => {
  const { status, stdout } = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" })
  return status === 0 ? stdout.trim() : String(Date.now())
}

const chosenOf = (mutants, { sample, seed, words }) => {
  const user = isRoot ? "root" : "nobody"
  const possible = mutants.filter(isSelected(words)).filter(({ only = user }) => only === user)
  if (sample === undefined) return possible
  console.log(`a sample of ${sample} of ${possible.length} mutants by --seed ${seed}`)
  return sampleOf(possible, sample, seed)
}

const prove = ({ passed, ...options }) =>
  withFolder("agb-mutants", async (folder) => {
    const mutants = await readMutants(root)
    const stale = staleOf(root, mutants)
    const chosen = chosenOf(mutants, options).filter((mutant) => !stale.includes(mutant))
    const start = performance.now()
    const count = Math.min(4, Math.max(2, availableParallelism()))
    const places = Array.from({ length: count }, (_, index) => copyCheckout(root, join(folder, String(index))))
    const uncaught = await uncaughtOf(chosen, places, passed)
    const seconds = Math.round((performance.now() - start) / 1000)
    const user = isRoot ? "root" : "an ordinary user"
    console.log(`${chosen.length - uncaught.length} of ${chosen.length} mutants caught as ${user} in ${seconds} s`)
    for (const { defence } of [...stale, ...uncaught]) console.error(`not caught: ${defence}`)
    if (stale.length + uncaught.length > 0 || chosen.length === 0) process.exitCode = 1
  })

/** The same as a user who owns nothing but a copy of the checkout. */
const asNobody = ({ passed, sample, seed, words }) =>
  withFolder("agb-nobody", (folder) => {
    const place = copyCheckout(root, join(folder, "checkout"))
    spawnSync("chown", ["-R", `${nobody}:${nobody}`, folder], { stdio: "inherit" })
    const become = ["--reuid", nobody, "--regid", nobody, "--clear-groups", "--inh-caps=-all"]
    const options = [
      "--seed",
      seed,
      ...(sample === undefined ? [] : ["--sample", String(sample)]),
      ...(passed ? ["--passed"] : [])
    ]
    const { status } = spawnSync(
      "setpriv",
      [...become, process.execPath, join(place, "scripts", "mutants.mjs"), ...options, ...words],
      { cwd: place, env: { PATH: process.env.PATH, HOME: folder }, stdio: "inherit" }
    )
    process.exitCode = status ?? 1
  })

const sizeOf = (text) => {
  const size = Number(text)
  if (!Number.isInteger(size) || size < 1) throw new Error("--sample must be a whole number above 0")
  return size
}

const { positionals: words, values } = parseArgs({
  allowPositionals: true,
  options: {
    "as-nobody": { type: "boolean", default: false },
    passed: { type: "boolean", default: false },
    sample: { type: "string" },
    seed: { type: "string", default: process.env.MUTANTS_SEED ?? commit() }
  }
})
const sample = values.sample === undefined ? undefined : sizeOf(values.sample)
const options = { words, sample, seed: values.seed, passed: values.passed }
await (values["as-nobody"] && isRoot ? asNobody : prove)(options)
