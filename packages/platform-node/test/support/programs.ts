/** The programs of the contract, and what the fake answers to them: it only knows them by their text. */
import * as AgbContract from "@effect-agb/core/AgbContract"
import type * as AgbTest from "@effect-agb/core/AgbTest"
import { Effect, Stream } from "effect"

export type { CodeProgram, LanguagePrograms } from "@effect-agb/core/AgbContract"

export const { bytes, commands, java, javascript, python, r } = AgbContract.programs

const forms: ReadonlyArray<AgbContract.LanguagePrograms> = [python, javascript]
const codePrograms = [
  ...forms.flatMap(({ forever, keeps, prints, raises, unicode, uses, waits }) => [
    prints,
    keeps,
    uses,
    raises,
    forever,
    waits,
    unicode
  ]),
  java,
  r
]

const shellPrograms: Readonly<Record<string, AgbTest.Respond<AgbTest.CommandCall, AgbTest.CommandOutput>>> = {
  [commands.prints]: () => ({ stdout: "out", stderr: "err" }),
  [commands.fails]: () => ({ stdout: "out", stderr: "err", exitCode: 3 }),
  [commands.directory]: ({ cwd }) => `${cwd}\n`,
  [commands.greets]: ({ envs }) => envs["GREETING"] ?? "",
  [commands.sleeps]: () => Stream.concat(Stream.succeed("begun"), Stream.never),
  [commands.unicode]: () => "naïve 🎈 日本",
  [commands.reads]: ({ cwd, files }) => files.text(`${cwd}/shared.txt`),
  [commands.writesBytes]: ({ cwd, files }) => {
    files.write(`${cwd}/bytes`, bytes)
    return ""
  }
}

/** What the fake answers to commands. */
export const command: AgbTest.CommandScript = shellPrograms

const toOutput = ({ raised, ...output }: AgbContract.CodeRun): AgbTest.CodeOutput => ({
  ...output,
  ...(raised === undefined ? {} : { error: raised })
})

/** What the fake answers to code. Each session has kernels of its own. */
export const makeCode = (): AgbTest.CodeScript => {
  const kernels = new Map<string, Map<string, number>>()
  return ({ code, language, sessionId }) => {
    const known = codePrograms.find((one) => one.language === language && one.code === code)
    if (known === undefined) return undefined
    const name = `${sessionId} ${language}`
    const kernel = kernels.get(name) ?? new Map<string, number>()
    kernels.set(name, kernel)
    const run = known.answer(kernel)
    return run === "forever" ? Effect.never : toOutput(run)
  }
}
