/** The provider of ComputeSDK over the local runtime, asked through `compute`. */
import * as ComputeSdk from "@effect-agb/ai/ComputeSdk"
import { Agb, AgbError } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { compute } from "computesdk"
import { Chunk, Effect, Layer, Stream } from "effect"
import { local, params } from "../support/local.js"

const tagOf = (promise: Promise<unknown>) =>
  promise.then(() => undefined, (error: unknown) => AgbError.isAgbError(error) ? error._tag : error)

layer(local, { excludeTestServices: true })("over the local runtime", (it) => {
  const sessions = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), Chunk.size))

  it.effect("compute runs commands and keeps files in sessions, and deletes them", () =>
    Effect.gen(function*() {
      const agb = Layer.succeedContext(yield* Effect.context<Agb.Agb>())
      const provider = ComputeSdk.provider({ agb, session: params })
      yield* Effect.promise(async () => {
        compute.setConfig({ provider })
        const sandbox = await compute.sandbox.create({ envs: { A: "a", B: "b" } })
        const seen: Array<string> = []
        await sandbox.filesystem.writeFile("deep/a.txt", "one\n")
        const result = await sandbox.runCommand("pwd | grep -o deep; echo $A$B; echo err >&2; cat a.txt; exit 4", {
          cwd: "deep",
          env: { B: "c" },
          onStderr: (text) => seen.push(text)
        })
        assert.deepInclude(result, { exitCode: 4, stdout: "deep\nac\none\n", stderr: "err\n" })
        assert.deepStrictEqual(seen.join(""), "err\n")
        assert.strictEqual(await tagOf(sandbox.runCommand("sleep 20", { timeout: 200 })), "ExecutionTimeoutError")
        await sandbox.filesystem.mkdir("deep/er")
        assert.deepStrictEqual(await sandbox.filesystem.readdir("deep"), [
          { name: "a.txt", type: "file" },
          { name: "er", type: "directory" }
        ])
        assert.strictEqual(await sandbox.filesystem.readFile("deep/a.txt"), "one\n")
        await sandbox.filesystem.remove("deep")
        assert.isFalse(await sandbox.filesystem.exists("deep"))
        assert.deepInclude(await sandbox.getInfo(), { id: sandbox.sandboxId, status: "running", provider: "agb" })

        const other = ComputeSdk.provider({ agb, session: params })
        const ids = async (list: () => Promise<ReadonlyArray<{ readonly sandboxId: string }>>) =>
          (await list()).map(({ sandboxId }) => sandboxId)
        assert.deepStrictEqual(await ids(compute.sandbox.list), [sandbox.sandboxId])
        assert.deepStrictEqual(await ids(other.sandbox.list), [sandbox.sandboxId])
        const found = await other.sandbox.getById(sandbox.sandboxId)
        assert.strictEqual((await found!.runCommand("echo found")).stdout, "found\n")
        await other.dispose()
        assert.strictEqual(await tagOf(provider.sandbox.create({ snapshotId: "s" })), "InvalidRequestError")
      })
      assert.strictEqual(yield* sessions, 1)
      const { sandboxId } = yield* Effect.promise(() => compute.sandbox.create())
      assert.strictEqual(yield* sessions, 2)
      yield* Effect.promise(() => compute.sandbox.destroy(sandboxId))
      assert.strictEqual(yield* sessions, 1)
      assert.isNull(yield* Effect.promise(() => provider.sandbox.getById(sandboxId)))
      yield* Effect.promise(() => provider.dispose())
      assert.strictEqual(yield* sessions, 0)
    }))
})
