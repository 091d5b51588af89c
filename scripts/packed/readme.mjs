// The README's own words: what a reader copies is what is tested.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./versions.mjs"

const readme = readFileSync(join(root, "README.md"), "utf8")

/** The first code block below a heading. */
const firstBlock = (heading, language) => {
  const start = readme.indexOf(`\n## ${heading}\n`)
  const block = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme.slice(start))?.[1]
  if (start === -1 || block === undefined) throw new Error(`README.md: no ${language} block below "${heading}"`)
  return block
}

const replaced = (text, from, to) => {
  if (!text.includes(from)) throw new Error(`README.md: ${JSON.stringify(from)} is not there`)
  return text.replace(from, to)
}

/** What `npm install` is given in the README, the tarballs in place of the two names. */
export const installArguments = (tarballs) => {
  const words = firstBlock("Install", "sh").trim().split(/\s+/).slice(2)
  return words.map((word) => tarballs[word.replace("@effect-agb/", "")] ?? word)
}

const withEffect = firstBlock("With Effect", "ts")
const withPromises = firstBlock("With promises", "ts")

/** The first examples, which are JavaScript as well, as they stand and as their comments say for the cloud. */
export const examples = {
  "effect.mjs": withEffect,
  "effectCloud.mjs": replaced(withEffect, "Effect.provide(LocalAgb.layer())", "Effect.provide(NodeAgb.layerConfig())"),
  "promise.mjs": withPromises,
  "promiseCloud.mjs": replaced(withPromises, "AGB.local()", "new AGB()")
}

export const typed = { "effect.ts": withEffect, "promise.ts": withPromises }

/** What the examples print. */
export const printed = {
  effect: /the sum is 6\nthe file says: kept as long as the session\nthe code raised TypeError: /,
  promise: /the sum is 6\ngrep ended with exit code 1/
}
