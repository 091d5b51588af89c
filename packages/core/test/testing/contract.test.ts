/** The published contract notices backends that do not keep it. That others pass is told by their own tests. */
import * as AgbContract from "@effect-agb/core/AgbContract"
import * as AgbTest from "@effect-agb/core/AgbTest"
import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, Effect, Exit } from "effect"

const cases = AgbContract.cases()

const { commands, javascript } = AgbContract.programs

describe("the contract", () => {
  it("has cases for all that there is, each under a name of its own", () => {
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
    const groups = [...new Set(cases.map(({ group }) => group))]
    assert.deepStrictEqual(groups, [
      "sessions",
      "code",
      "commands",
      "files",
      "contexts",
      "processes",
      "terminals",
      "codeContexts",
      "transfers"
    ])
    assert.sameMembers([...new Set(cases.map(({ needs }) => needs))], [undefined, "python", "javascript", "java", "r"])
  })

  it("names what a backend lacks, and leaves nothing out in silence", () => {
    const missingOf = (options: AgbContract.Options) =>
      Object.fromEntries(AgbContract.cases(options).map(({ missing, name }) => [name, missing]))
    const fileSystem = FileSystem.layerNoop({})
    const full = missingOf({ fileSystem })
    assert.strictEqual(Object.keys(full).length, cases.length)
    assert.deepStrictEqual([...new Set(Object.values(full))], [undefined])
    const bare = missingOf({ languages: ["python"], shell: false, fileSystem })
    assert.strictEqual(bare["javascript: characters beyond ASCII arrive whole"], "javascript")
    assert.strictEqual(bare["python: characters beyond ASCII arrive whole"], undefined)
    assert.strictEqual(bare["a time limit ends the whole tree"], "a shell")
    assert.strictEqual(bare["what is missing is missing for copies and removals too"], "a shell")
    assert.strictEqual(missingOf({})["links are left out and named"], "a file system of this machine")
  })

  const broken: ReadonlyArray<readonly [name: string, backend: AgbTest.Options, says: RegExp]> = [
    [
      "standard output, standard error and exit code are told apart",
      { command: { [commands.prints]: { stdout: "out", stderr: "err2" } } },
      /^expected .*"stderr":"err2".* to equal .*"stderr":"err"/
    ],
    [
      "characters beyond ASCII arrive whole",
      { command: { [commands.unicode]: "na?ve" } },
      /^expected "na\?ve" to be "naïve/
    ],
    [
      "an exit code that is not accepted is an error",
      { command: { [commands.fails]: "" } },
      /^expected CommandExitError, but it succeeded with .*"exitCode":0/
    ],
    [
      "javascript: characters beyond ASCII arrive whole",
      { code: { [javascript.unicode.code]: "na?ve" } },
      /^expected "na\?ve" to include "naïve/
    ],
    [
      "javascript: code that takes too long is stopped, and the session goes on",
      { code: { [javascript.forever.code]: AgbTest.raises("Stopped", "too long") } },
      /^Stopped: .*: expected "CodeExecutionError" to be "ExecutionTimeoutError"/
    ],
    [
      "javascript: the last value, standard output and standard error are told apart",
      { code: { [javascript.prints.code]: { stdout: "out\n", stderr: "err\n" } } },
      /^expected \["out\\n","out\\n","err\\n"\] to equal \["42"/
    ]
  ]
  for (const [name, backend, says] of broken) {
    it.effect(`is broken where ${name}, but not on this backend`, () =>
      Effect.gen(function*() {
        const run = cases.find((one) => one.name === name)?.run ?? assert.fail("there is no such case")
        const exit = yield* Effect.exit(Effect.provide(run, AgbTest.layer(backend)))
        const [defect] = Exit.isFailure(exit) ? Chunk.toArray(Cause.defects(exit.cause)) : []
        assert.instanceOf(defect, AgbContract.ContractViolation)
        assert.match((defect as Error).message, says)
      }))
  }
})
