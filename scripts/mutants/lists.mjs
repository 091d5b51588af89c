// The lists of mutants, each beside the test that catches what is in it: `<name>.mutants.mjs` beside `<name>.test.ts`.
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { pathToFileURL } from "node:url"

const extension = ".mutants.mjs"

const filesIn = (root) =>
  Fs.readdirSync(join(root, "packages")).flatMap((name) => {
    const tests = join(root, "packages", name, "test")
    return Fs.existsSync(tests) ? Fs.readdirSync(tests, { recursive: true }).map((file) => join(tests, file)) : []
  }).filter((file) => file.endsWith(extension)).sort()

const testOf = (root, file) => {
  const test = file.replace(extension, ".test.ts")
  if (!Fs.existsSync(test)) throw new Error(`${relative(root, file)} stands beside no test`)
  return relative(root, test)
}

/** All mutants, each with the test file that catches it, and what selects it: its list and the folder of that. */
export const readMutants = async (root) => {
  const lists = await Promise.all(
    filesIn(root).map(async (file) => {
      const { default: mutants } = await import(pathToFileURL(file).href)
      const names = [basename(file, extension), basename(dirname(file))]
      return mutants.map((mutant) => ({ ...mutant, names, test: testOf(root, file) }))
    })
  )
  return lists.flat()
}

/** Every word selects a folder, a list or a part of the name of a defence. */
export const isSelected = (words) => ({ defence, names }) =>
  words.length === 0 || words.some((word) => names.includes(word) || defence.includes(word))

/** So many of them, as a seed says. */
export const sampleOf = (mutants, size, seed) => {
  const rank = ({ defence }) => createHash("sha256").update(`${seed}\n${defence}`).digest("hex")
  return mutants.map((mutant) => [rank(mutant), mutant])
    .sort(([one], [other]) => one < other ? -1 : 1)
    .slice(0, size)
    .map(([, mutant]) => mutant)
}

const changed = (text, [find, replacement], where) => {
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`${where}: occurs ${times} times instead of once: ${find}`)
  return text.replace(find, () => replacement)
}

/** The files that a mutant changes, as they are and as it has them. Throws where the code has moved on. */
export const mutatedFiles = (root, { changes }) =>
  Object.entries(changes).map(([file, edits]) => {
    const original = Fs.readFileSync(join(root, file), "utf8")
    return {
      path: join(root, file),
      original,
      mutated: edits.reduce((text, edit) => changed(text, edit, file), original)
    }
  })

/** Mutants that can no longer be made, because the code has moved on. */
export const staleOf = (root, mutants) =>
  mutants.filter((mutant) => {
    try {
      mutatedFiles(root, mutant)
      return false
    } catch (error) {
      console.error(`cannot be made: ${mutant.defence}: ${error.message}`)
      return true
    }
  })
