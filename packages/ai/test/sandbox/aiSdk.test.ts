/** The sandbox, the provider and the tools of the AI SDK over the local runtime, and its own mock model with them. */
import * as AiSdk from "@effect-agb/ai/AiSdk"
import { Agb, AgbError, Session } from "@effect-agb/core"
import { assert, describe, layer } from "@effect/vitest"
import { generateText, isStepCount, jsonSchema, tool } from "ai"
import { MockLanguageModelV4 } from "ai/test"
import { Chunk, Effect, Layer, Stream } from "effect"
import { local, params } from "../support/local.js"

type Content = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>["content"]

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 }
}

/** Answers with each content in turn, and keeps what it was asked. */
const scripted = (...contents: ReadonlyArray<Content>) =>
  new MockLanguageModelV4({
    doGenerate: contents.map((content) => ({
      content,
      finishReason: { unified: content[0]?.type === "tool-call" ? "tool-calls" : "stop", raw: undefined },
      usage,
      warnings: []
    }))
  })

const callOf = (toolName: string, input: object): Content => [
  { type: "tool-call", toolCallId: "1", toolName, input: JSON.stringify(input) }
]

const text = async (stream: ReadableStream<Uint8Array> | null) => stream === null ? null : new Response(stream).text()

const rejected = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(() => undefined, (error: unknown) => error)

const tagOf = async (promise: PromiseLike<unknown>) => {
  const error = await rejected(promise)
  return AgbError.isAgbError(error) ? error._tag : error
}

/** A rejection that was not asked for is a failed test. */
const unexpected = (error: unknown) => {
  if (AgbError.isAgbError(error)) assert.fail(error.message)
  throw error
}

const services = Session.layer(params).pipe(Layer.provideMerge(local))

layer(services, { excludeTestServices: true })("over the local runtime", (it) => {
  const withSandbox = (use: (sandbox: ReturnType<typeof AiSdk.sandbox>) => Promise<void>) =>
    Effect.flatMap(Session.Session, (session) => Effect.promise(() => use(AiSdk.sandbox(session)).catch(unexpected)))

  describe("the sandbox", () => {
    it.effect("reads and writes files, with parents, and null for what is missing", () =>
      withSandbox(async (sandbox) => {
        await sandbox.writeTextFile({ path: "deep/er/a.txt", content: "one\ntwo\nthree\n" })
        const { stdout } = await sandbox.run({ command: "cat deep/er/a.txt; pwd" })
        const path = `${stdout.split("\n")[3]}/deep/er/a.txt`
        assert.strictEqual(await sandbox.readTextFile({ path }), "one\ntwo\nthree\n")
        assert.strictEqual(
          await sandbox.readTextFile({ path: "./deep/er/a.txt", startLine: 2, endLine: 9 }),
          "two\nthree\n"
        )
        assert.strictEqual(await sandbox.readTextFile({ path, startLine: 2, endLine: 2 }), "two")
        assert.strictEqual(await tagOf(sandbox.readTextFile({ path, startLine: 0 })), "InvalidRequestError")
        assert.strictEqual(await tagOf(sandbox.readTextFile({ path, encoding: "none" })), "InvalidRequestError")
        await sandbox.writeBinaryFile({ path: "latin.txt", content: Uint8Array.of(0xe9) })
        assert.strictEqual(await sandbox.readTextFile({ path: "latin.txt", encoding: "latin1" }), "é")
        await sandbox.writeFile({ path: "new/stream.txt", content: new Blob(["streamed"]).stream() })
        assert.strictEqual(await text(await sandbox.readFile({ path: "new/stream.txt" })), "streamed")
        assert.strictEqual(await tagOf(sandbox.writeTextFile({ path: "deep", content: "" })), "FileError")

        const missing = { path: "none/at/all" }
        const nothing = [
          sandbox.readFile(missing),
          sandbox.readBinaryFile(missing),
          sandbox.readTextFile(missing),
          sandbox.stat(missing),
          sandbox.listDirectory(missing)
        ]
        assert.deepStrictEqual(await Promise.all(nothing), [null, null, null, null, null])
      }))

    it.effect("tells what is at a path, and deletes files alone", () =>
      withSandbox(async (sandbox) => {
        await sandbox.run({
          command:
            "mkdir -p kinds/.dir; cd kinds; echo abc > 'a b'; ln -s 'a b' link; ln -s none broken; mkfifo pipe; touch \"$(printf 'n\\nl')\""
        })
        const entries = await sandbox.listDirectory({ path: "kinds" })
        assert.deepStrictEqual(entries!.map(({ name, type }) => `${type} ${name}`).sort(), [
          "directory .dir",
          "file a b",
          "file n\nl",
          "other pipe",
          "symlink broken",
          "symlink link"
        ])
        assert.deepStrictEqual(await sandbox.stat({ path: "kinds/link" }), { type: "file", size: 4 })
        assert.strictEqual((await sandbox.stat({ path: "kinds" }))!.type, "directory")
        assert.strictEqual((await sandbox.stat({ path: "kinds/pipe" }))!.type, "other")
        assert.strictEqual(await tagOf(sandbox.listDirectory({ path: "kinds/link" })), "FileError")
        assert.isTrue(await sandbox.deleteFile({ path: "kinds/link" }))
        assert.isFalse(await sandbox.deleteFile({ path: "kinds/link" }))
        assert.strictEqual(await sandbox.readTextFile({ path: "kinds/a b" }), "abc\n")
        assert.strictEqual(await tagOf(sandbox.deleteFile({ path: "kinds" })), "FileError")
      }))

    it.effect("runs commands, whatever their exit code, and stops them on abort", () =>
      withSandbox(async (sandbox) => {
        await sandbox.run({ command: "mkdir -p here" })
        const result = await sandbox.run({
          command: "pwd | grep -o here; echo \"$A\"; echo é >&2; exit 7",
          workingDirectory: "here",
          env: { A: "$B `c`" }
        })
        assert.deepStrictEqual(result, { exitCode: 7, stdout: "here\n$B `c`\n", stderr: "é\n" })

        const reason = new Error("no longer wanted")
        const controller = new AbortController()
        const slow = rejected(sandbox.run({ command: "touch begun; sleep 1001", abortSignal: controller.signal }))
        while (await sandbox.stat({ path: "begun" }) === null);
        controller.abort(reason)
        assert.strictEqual(await slow, reason)
        const { stdout } = await sandbox.run({ command: "ps -e -o args | grep -c '[s]leep 1001' || true" })
        assert.strictEqual(stdout, "0\n")
        assert.strictEqual(
          await rejected(sandbox.run({ command: "touch never", abortSignal: controller.signal })),
          reason
        )
        assert.isNull(await sandbox.stat({ path: "never" }))
      }))

    it.effect("spawns processes with input and output, and kills them more than once", () =>
      withSandbox(async (sandbox) => {
        const cat = await sandbox.spawn({ command: "cat; echo err >&2; exit 3", stdin: true })
        const writer = cat.stdin.getWriter()
        await writer.write(new TextEncoder().encode("in é"))
        await writer.close()
        assert.deepStrictEqual(
          [await text(cat.stdout), await text(cat.stderr), await cat.wait()],
          ["in é", "err\n", { exitCode: 3 }]
        )

        const server = await sandbox.spawn({ command: "echo up; sleep 1002" })
        assert.notProperty(server, "stdin")
        await server.kill()
        await server.kill()
        assert.deepStrictEqual([await server.wait(), await text(server.stdout)], [{ exitCode: 143 }, "up\n"])

        const reason = new Error("over")
        const controller = new AbortController()
        const watched = await sandbox.spawn({ command: "sleep 1003", abortSignal: controller.signal })
        const waiting = rejected(watched.wait())
        controller.abort(reason)
        assert.strictEqual(await waiting, reason)
        const { stdout } = await sandbox.run({
          command: "for i in $(seq 100); do ps -e -o args | grep -q '[s]leep 1003' || exec echo gone; sleep 0.1; done"
        })
        assert.strictEqual(stdout, "gone\n")

        const ended = await sandbox.spawn({ command: "exec true", stdin: true })
        await ended.wait()
        const late = ended.stdin.getWriter()
        assert.isDefined(await rejected(late.write(Uint8Array.of(1)).then(() => late.close())))
      }))

    it.effect("takes relative paths also after a call with one was aborted", () =>
      withSandbox(async (sandbox) => {
        const controller = new AbortController()
        const reason = new Error("over")
        const first = rejected(sandbox.writeTextFile({ path: "a.txt", content: "1", abortSignal: controller.signal }))
        await Promise.resolve()
        controller.abort(reason)
        assert.strictEqual(await first, reason)
        const again = sandbox.writeTextFile({ path: "a.txt", content: "2" }).then(() => "written", String)
        assert.strictEqual(await again, "written")
        assert.strictEqual(await sandbox.readTextFile({ path: "a.txt" }), "2")
      }))

    it.effect("is what tools of generateText get", () =>
      withSandbox(async (experimental_sandbox) => {
        const shell = tool({
          inputSchema: jsonSchema<{ readonly command: string }>({
            type: "object",
            properties: { command: { type: "string" } },
            required: ["command"]
          }),
          execute: ({ command }, { abortSignal, experimental_sandbox }) =>
            experimental_sandbox!.run(abortSignal === undefined ? { command } : { command, abortSignal })
        })
        const model = scripted(callOf("shell", { command: "echo 42" }), [{ type: "text", text: "It is 42." }])
        const { steps, text } = await generateText({
          model,
          prompt: "What does it print?",
          tools: { shell },
          experimental_sandbox,
          stopWhen: isStepCount(3)
        })
        assert.strictEqual(text, "It is 42.")
        assert.deepStrictEqual(steps[0]?.toolResults[0]?.output, { exitCode: 0, stdout: "42\n", stderr: "" })
      }))
  })

  it.scoped("the tools give figures to the model as images", () =>
    Effect.gen(function*() {
      const tools = yield* AiSdk.tools()
      const code = "class I:\n  def _repr_png_(self): return b'\\x89PNG'\ndisplay(I())"
      const model = scripted(callOf("run_code", { code }), callOf("run_code", { cod: "" }), [{
        type: "text",
        text: "A point."
      }])
      const { steps } = yield* Effect.promise(() =>
        generateText({ model, prompt: "Look.", tools, stopWhen: isStepCount(4) })
      )
      const [, second] = model.doGenerateCalls
      const result = second!.prompt.at(-1)
      assert(result?.role === "tool" && result.content[0]?.type === "tool-result")
      const { output } = result.content[0]
      assert(output.type === "content" && output.value[0]?.type === "text" && output.value[1]?.type === "file")
      assert.strictEqual(output.value[1].mediaType, "image/png")
      assert.deepStrictEqual(output.value[1].data, { type: "data", data: "iVBORw==" } as never)
      assert.notInclude(output.value[0].text, "iVBORw")
      const error = steps[1]?.content.find(({ type }) => type === "tool-error")
      assert(error?.type === "tool-error")
      assert.match(String(error.error), /run_code: code must be a string, but was missing; there is no parameter "cod"/)
    }))
})

layer(local, { excludeTestServices: true })("the provider", (it) => {
  const sessions = Effect.flatMap(Agb.Agb, (agb) => Effect.map(Stream.runCollect(agb.list()), Chunk.size))

  it.effect("makes a sandbox of a session, and deletes it, also when the set-up fails or is aborted", () =>
    Effect.gen(function*() {
      const agb = Layer.succeedContext(yield* Effect.context<Agb.Agb>())
      const provider = AiSdk.sandboxProvider({ agb, session: params, ports: [30100] })
      const made = yield* Effect.promise(() => provider.createSession())
      assert.strictEqual(yield* sessions, 1)
      const { stdout } = yield* Effect.promise(async () => made.restricted().run({ command: "pwd" }))
      assert.strictEqual(stdout.trim(), made.defaultWorkingDirectory)
      assert.deepStrictEqual(made.ports, [30100])
      yield* Effect.promise(() => Promise.all([made.stop(), made.destroy()]))
      assert.strictEqual(yield* sessions, 0)

      assert.isUndefined(provider.resumeSession)

      const failure = new Error("no set-up")
      const onFirstCreate = () => Promise.reject(failure)
      assert.strictEqual(yield* Effect.promise(() => rejected(provider.createSession({ onFirstCreate }))), failure)
      const controller = new AbortController()
      const late = provider.createSession({ abortSignal: controller.signal })
      controller.abort(failure)
      assert.strictEqual(yield* Effect.promise(() => rejected(late)), failure)
      assert.strictEqual(yield* sessions, 0)
    }))

  it.effect("finds a sandbox again by the name of its harness, until it is destroyed", () =>
    Effect.gen(function*() {
      const agb = Layer.succeedContext(yield* Effect.context<Agb.Agb>())
      const resumable = () => AiSdk.sandboxProvider({ agb, session: params, resumable: true })
      const named = { sessionId: "a harness: é/1" }
      const made = yield* Effect.promise(() => resumable().createSession(named))
      yield* Effect.promise(async () => {
        await made.writeTextFile({ path: "kept.txt", content: "kept" })
        await made.stop()
      })
      assert.strictEqual(yield* sessions, 1)
      const again = yield* Effect.promise(async () => resumable().resumeSession!(named))
      assert.strictEqual(again.id, made.id)
      assert.strictEqual(yield* Effect.promise(async () => again.readTextFile({ path: "kept.txt" })), "kept")
      yield* Effect.promise(() => Promise.all([again.destroy(), again.destroy(), again.stop()]))
      assert.strictEqual(yield* sessions, 0)
      const gone = yield* Effect.promise(() => rejected(resumable().resumeSession!(named)))
      assert.deepInclude(gone, { _tag: "SessionLostError", sessionId: named.sessionId })
      const onFirstCreate = () => Promise.reject(new Error("no set-up"))
      yield* Effect.promise(() => rejected(resumable().createSession({ ...named, onFirstCreate })))
      assert.strictEqual(yield* sessions, 0)
    }))
})
