// Bun and Deno: the cloud's client works; the local runtime says at once that it needs Node.
import { languages } from "../projects.mjs"
import { printed } from "../readme.mjs"
import { refusal, run } from "../run.mjs"
import { expectPrinted, quietly } from "./node.mjs"

const kinds = {
  bun: { args: [], manager: "bun" },
  deno: { args: ["run", "--allow-all"], manager: "npm" }
}

const needsNode = /the local runtime needs Node, and this program runs on (Bun|Deno) \d/

const cellsOf = (kind) => {
  const { args, manager } = kinds[kind]
  const started = async ({ environment, project, runtime }, file, env) => [
    await runtime(kind),
    [...args, file],
    { cwd: await project(manager), env: { ...environment, LANGUAGES: languages.join(), ...env } }
  ]
  const onCloud = (file) => async (projects) => run(...await started(projects, file, await projects.cloud()))
  const refused = (file) => async (projects) => {
    const [command, words, options] = await started(projects, file, {})
    await refusal(command, words, needsNode, options)
  }
  return [
    [
      "README with Effect, cloud client",
      async (projects) => expectPrinted(await onCloud("effectCloud.mjs")(projects), printed.effect)
    ],
    [
      "README with promises, cloud client",
      async (projects) => expectPrinted(await onCloud("promiseCloud.mjs")(projects), printed.promise)
    ],
    ["all languages, cloud client", quietly(onCloud("languages.mjs"))],
    [
      "require, cloud client",
      async (projects) => expectPrinted(await onCloud("require.cjs")(projects), /^42 function/)
    ],
    ["README with Effect is refused", refused("effect.mjs")],
    ["README with promises is refused", refused("promise.mjs")]
  ].map(([name, run]) => ({ group: kind, name, run }))
}

export const cells = Object.keys(kinds).flatMap(cellsOf)
