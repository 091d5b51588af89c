// What a program pays before its first line: imports, each in a fresh process, and the command-line program.
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { type Alternative, median, sample } from "./compare.js"
import { exited } from "./processes.js"

const folder = dirname(fileURLToPath(import.meta.url))
const pathOf = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))

const statement = /^(?:import|export) [^;]*?from "([^"]+)";?$|^import "([^"]+)";?$/gm

/** The modules of other packages that come with a module at once, in the order in which they are first met. */
const foreignImports = (file: string, seen = new Set<string>()): ReadonlyArray<string> => {
  if (seen.has(file)) return []
  seen.add(file)
  return [...readFileSync(file, "utf8").matchAll(statement)].flatMap(([, from, alone]) => {
    const specifier = from ?? alone ?? ""
    return specifier.startsWith(".") ? foreignImports(resolve(dirname(file), specifier), seen) : [specifier]
  })
}

const program = (name: string, specifiers: ReadonlyArray<string>): ReadonlyArray<string> => {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, specifiers.map((specifier) => `import ${JSON.stringify(specifier)}\n`).join(""))
  return [file]
}

const running = (name: string, args: ReadonlyArray<string>): Alternative => ({
  name,
  run: () => exited(process.execPath, args)
})

const importing = (specifier: string): Alternative =>
  running(`import "${specifier}"`, program(specifier.replace(/\W/g, "-"), [specifier]))

/** A module beside what it imports from other packages alone: what is left is its own. */
const beside = (specifier: string): ReadonlyArray<Alternative> => {
  const imports = [...new Set(foreignImports(pathOf(specifier)))]
  const own = `own-${specifier.replace(/\W/g, "-")}`
  return [running(`the ${imports.length} modules that it imports itself`, program(own, imports)), importing(specifier)]
}

const agbLocal = join(dirname(pathOf("@effect-agb/platform-node/package.json")), "dist", "agb-local.cjs")

const format = (millis: number, to: number) => `${(millis / to).toFixed(2)} x`.padStart(12)

export const startup = async (): Promise<void> => {
  const alternatives = [
    running("node -e 0", ["-e", "0"]),
    importing("effect/Effect"),
    ...beside("@effect-agb/core"),
    ...beside("@effect-agb/core/Session"),
    importing("@effect-agb/platform-node"),
    running("agb-local --version", [agbLocal, "--version"])
  ]
  const samples = await sample(alternatives, { rounds: 11, warmup: 1, seconds: 90 })
  const [node = NaN, effect = NaN, ...rest] = samples.map(median)
  const title = `\nStart-up, each in a fresh process (${samples[0]?.length} rounds)`
  console.log(
    title.padEnd(61),
    "p50".padStart(13),
    "node -e 0".padStart(11),
    "Effect".padStart(11),
    "own imports".padStart(12)
  )
  for (const [index, { name }] of alternatives.entries()) {
    const millis = [node, effect, ...rest][index] ?? NaN
    const previous = rest[index - 3]
    const own = alternatives[index - 1]?.name.startsWith("the ") && previous !== undefined
      ? format(millis, previous)
      : ""
    console.log(
      `  ${name.padEnd(58)} ${millis.toFixed(1).padStart(10)} ms${format(millis, node)}${format(millis, effect)}${own}`
    )
  }
}
