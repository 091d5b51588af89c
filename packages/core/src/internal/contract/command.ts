/** What `executeCommand` does. */
import * as Effect from "effect/Effect"
import * as Session from "../../Session.js"
import { assert, failsWith } from "./assert.js"
import { type Contract, imageId, patient } from "./contractCase.js"
import { commands } from "./programs.js"

export const command: Contract = (test) => {
  test("standard output, standard error and exit code are told apart", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      assert.deepStrictEqual(yield* command.executeCommand(commands.prints, patient), {
        output: "outerr",
        stdout: "out",
        stderr: "err",
        exitCode: 0
      })
    }))

  test("an exit code that is not accepted is an error", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const error = yield* failsWith(command.executeCommand(commands.fails, patient), "CommandExitError")
      assert.deepStrictEqual([error.exitCode, error.stdout, error.stderr], [3, "out", "err"])
      const other = command.executeCommand(commands.fails, { ...patient, acceptExitCodes: [0, 1] })
      assert.strictEqual((yield* failsWith(other, "CommandExitError")).exitCode, 3)
    }))

  test("an accepted exit code is a value, and 0 need not be one", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const result = yield* command.executeCommand(commands.fails, { ...patient, acceptExitCodes: [3] })
      assert.deepStrictEqual([result.exitCode, result.stdout, result.stderr], [3, "out", "err"])
      const error = yield* failsWith(
        command.executeCommand(commands.prints, { ...patient, acceptExitCodes: [3] }),
        "CommandExitError"
      )
      assert.strictEqual(error.exitCode, 0)
    }))

  test("the working directory is what was asked for", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.make({ imageId })
      const home = (yield* command.executeCommand(commands.directory, patient)).stdout.trim()
      yield* fileSystem.createDirectory(`${home}/with space`)
      const result = yield* command.executeCommand(commands.directory, { ...patient, cwd: `${home}/with space` })
      assert.strictEqual(result.stdout, `${home}/with space\n`)
    }))

  test("variables arrive literally", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const greeting = "it's; $HOME \"quoted\" `id` \\ naïve\nsecond line"
      const result = yield* command.executeCommand(commands.greets, { ...patient, envs: { GREETING: greeting } })
      assert.strictEqual(result.stdout, greeting)
      assert.strictEqual((yield* command.executeCommand(commands.greets, patient)).stdout, "")
    }))

  test("a command that takes too long is stopped, with its output so far", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      const error = yield* failsWith(
        command.executeCommand(commands.sleeps, { timeout: "300 millis" }),
        "ExecutionTimeoutError"
      )
      assert.deepStrictEqual([error.timeoutMillis, error.stdout], [300, "begun"])
      assert.strictEqual((yield* command.executeCommand(commands.prints, patient)).stdout, "out")
    }))

  test("characters beyond ASCII arrive whole", () =>
    Effect.gen(function*() {
      const { command } = yield* Session.make({ imageId })
      assert.strictEqual((yield* command.executeCommand(commands.unicode, patient)).stdout, "naïve 🎈 日本")
    }))

  test("commands see the files of the session", () =>
    Effect.gen(function*() {
      const { command, fileSystem } = yield* Session.make({ imageId })
      const home = (yield* command.executeCommand(commands.directory, patient)).stdout.trim()
      yield* fileSystem.writeFile(`${home}/shared.txt`, "shared")
      assert.strictEqual((yield* command.executeCommand(commands.reads, patient)).stdout, "shared")
    }))
}
