/** The sandbox client of the OpenAI Agents SDK over the local runtime, asked by its runner with its scripted model. */
import * as OpenAiAgents from "@effect-agb/ai/OpenAiAgents"
import { Agb } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { run, setTracingDisabled } from "@openai/agents-core"
import { Manifest, SandboxAgent } from "@openai/agents-core/sandbox"
import { assistantMessage, functionCall, modelResponder, ScriptedModel } from "@openai/agents-core/testing"
import { Chunk, Effect, Layer, Stream } from "effect"
import { local, params } from "../support/local.js"

const message = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => String(error))

layer(local, { excludeTestServices: true })("over the local runtime", (it) => {
  const sessions = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), Chunk.size))

  const clientOf = Effect.map(
    Effect.context<Agb.Agb>(),
    (context) =>
      OpenAiAgents.sandboxClient({ agb: Layer.succeedContext(context), session: params, commandTimeout: "2 seconds" })
  )

  it.effect("a run of a sandbox agent has its tools in a session, which is deleted at its end", () =>
    Effect.gen(function*() {
      setTracingDisabled(true)
      const client = yield* clientOf
      const seen: Array<string> = []
      const count = yield* Effect.map(
        Effect.runtime<Agb.Agb>(),
        (runtime) => () => Effect.runPromise(Effect.provide(sessions, runtime))
      )
      const command = (cmd: string) => functionCall("exec_command", { cmd }, { callId: `call-${cmd}` })
      const model = new ScriptedModel([
        [command("pwd; cat data/sales.csv; echo $STAGE; echo err >&2; exit 3")],
        modelResponder(async ({ request }) => {
          seen.push(JSON.stringify(request.input), String(await count()))
          return [command("sleep 100")]
        }),
        modelResponder(({ request }) => {
          seen.push(JSON.stringify(request.input))
          return [assistantMessage("done")]
        })
      ])
      const defaultManifest = {
        entries: {
          data: { type: "dir" as const, children: { "sales.csv": { type: "file" as const, content: "a,1\n" } } }
        },
        environment: { STAGE: "test" }
      }
      const agent = new SandboxAgent({ name: "Analyst", model, defaultManifest })
      const { finalOutput } = yield* Effect.promise(() => run(agent, "Sum the sales.", { sandbox: { client } }))
      assert.strictEqual(finalOutput, "done")
      assert.match(seen[0]!, /exited with code 3.*a,1.*test.*err/)
      assert.strictEqual(seen[1], "1")
      assert.match(seen[2]!, /exited with code 124.*stopped after 2000 ms/)
      assert.strictEqual(yield* sessions, 0)
    }))

  it.effect("files are patched, read and seen, and what cannot be is said", () =>
    Effect.gen(function*() {
      const client = yield* clientOf
      yield* Effect.promise(async () => {
        const session = await client.create!()
        const editor = session.createEditor!()
        const created = await editor.createFile({ type: "create_file", path: "src/a.py", diff: "+one\n+two\n" })
        assert.deepInclude(created, { status: "completed" })
        const update = { type: "update_file", path: "src/a.py", diff: "@@\n one\n-two\n+2\n" } as const
        assert.deepInclude(await editor.updateFile({ ...update, moveTo: "lib/b.py" }), { status: "completed" })
        assert.match(new TextDecoder().decode((await session.readFile!({ path: "lib/b.py" })) as Uint8Array), /^one\n2/)
        const missing = await editor.updateFile(update)
        assert.strictEqual(missing?.status, "failed")
        assert.match(missing?.output ?? "", /src\/a\.py does not exist/)
        const unfit = await editor.updateFile({ ...update, path: "lib/b.py" })
        assert.strictEqual(unfit?.status, "failed")
        await editor.deleteFile({ type: "delete_file", path: "lib/b.py" })
        assert.isFalse(await session.pathExists!("lib/b.py"))
        await session.execCommand!({ cmd: "printf '\\211PNG\\r\\n\\032\\n' > a.png" })
        assert.strictEqual((await session.viewImage!({ path: "a.png" })).type, "image")
        await Promise.all([session.close!(), session.delete!()])

        const manifest = new Manifest({ entries: { repo: { type: "git_repo", repo: "a/b" } } })
        assert.match(
          await message(client.create!({ manifest })) ?? "",
          /repo must be a file or a dir, but was git_repo/
        )
      })
      assert.strictEqual(yield* sessions, 0)
    }))
})
