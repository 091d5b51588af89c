// Node, with the packages as npm and pnpm install them.
import { languages } from "../projects.mjs"
import { printed } from "../readme.mjs"
import { run } from "../run.mjs"
import { nodes } from "../versions.mjs"

const env = { LANGUAGES: languages.join() }

export const expectPrinted = (text, expected) => {
  if (!expected.test(text)) throw new Error(`expected ${expected}, but it printed\n${text}`)
}

/** Names what was run instead of printing what it said. */
export const quietly = (run) => async (projects) => {
  await run(projects)
  return languages.join(", ")
}

const canRequire = (version) => {
  const [major, minor] = version.split(".").map(Number)
  return major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)
}

const cellsOf = (version, manager) => {
  const program = (file, more) => async ({ project, runtime }) =>
    run(await runtime(`node ${version}`), [file], { cwd: await project(manager), env: { ...env, ...more } })
  const onCloud = (file) => async (projects) => program(file, await projects.cloud())(projects)
  const example = (name, run) => async (projects) => expectPrinted(await run(projects), printed[name])
  return [
    ["README with Effect", example("effect", program("effect.mjs"))],
    ["README with promises", example("promise", program("promise.mjs"))],
    ["all languages, local runtime", quietly(program("languages.mjs"))],
    ["all languages, cloud client", quietly(onCloud("languages.mjs"))],
    ["README with Effect, cloud client", example("effect", onCloud("effectCloud.mjs"))],
    ...canRequire(version)
      ? [["require", async (projects) => {
        expectPrinted(await program("require.cjs")(projects), /^42 function/)
        expectPrinted(await onCloud("require.cjs")(projects), /^42 function/)
      }]]
      : []
  ].map(([name, run]) => ({ group: `node ${version} ${manager}`, name, run }))
}

export const cells = nodes.flatMap((version) => ["npm", "pnpm"].flatMap((manager) => cellsOf(version, manager)))
