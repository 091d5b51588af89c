/** Results that would cost the server seconds: they are left out by name, and the session goes on. */
import { Session } from "@effect-agb/core"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Either, Schema, Stream } from "effect"
import { Duplex } from "node:stream"
import type { Answer } from "../../src/internal/sandbox/channel/largeAnswer.js"
import type { Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { type RequestContext, withRequestContext } from "../../src/internal/server/http/requestContext.js"
import { startSession } from "../../src/internal/server/sessions/localSession.js"
import { AnsweredLarge, make as makeReplies, type ReplyThread } from "../../src/internal/server/sessions/replyThread.js"
import { CodeValue } from "../../src/internal/server/sessions/toolHandlers.js"
import { contentsOf } from "../../src/internal/server/timeline/replies.js"
import { TimelineBudget } from "../../src/internal/server/timeline/timeline.js"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith, none } from "../support/runtime.js"

const value = (results: ReadonlyArray<unknown>) => ({
  stdoutBytes: 0,
  stderrBytes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  results,
  error: null,
  executionCount: 1,
  executionTime: 0,
  timedOut: null,
  kernelRestarted: false,
  died: null
})

const bundle = (types: number) => Object.fromEntries(Array.from({ length: types }, (_, index) => [`a/${index}`, ""]))

layer(layerWith(best), { timeout: "1 minute" })("a run", (it) => {
  it.scoped("that shows fifty thousand MIME types is told so, and the session goes on", () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId: "agb-code-space-1" })
      const types = "Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [\"a/\" + index, \"\"]))"
      const shown = yield* code.runCode(`({ [Symbol.for("Jupyter.display")]: () => ${types} })`, "javascript")
      assert.match(JSON.stringify(shown.results), /a result of \d+ MIME types is left out/)
      assert.include(JSON.stringify((yield* code.runCode("6 * 7", "javascript")).results), "42")
    }))

  it.scoped("that fails with megabytes is told how many", () =>
    Effect.gen(function*() {
      const { code } = yield* Session.make({ imageId: "agb-code-space-1" })
      const failed = yield* Effect.either(code.runCode("throw new Error(\"x\".repeat(5_000_000))", "javascript"))
      const text = JSON.stringify(failed)
      assert.match(text, /cut off after 1048576 of \d{7} characters/)
      assert.isBelow(text.length, 5_000_000)
      assert.include(JSON.stringify((yield* code.runCode("6 * 7", "javascript")).results), "42")
    }))
})

const stub = (answer: Answer): Sandbox => ({
  isolation: none,
  home: "/home",
  tmp: "/tmp",
  workdir: "/home",
  hasNetwork: false,
  call: () => Effect.never,
  callUnparsed: () => Effect.succeed(answer),
  stream: () => Stream.never,
  tunnel: () => new Duplex(),
  readFile: () => ({ consumed: () => {}, cancel: () => {} }),
  writeFile: () => ({ send: () => true, end: () => {}, cancel: () => {} }),
  handWrite: () => ({ commit: () => {}, giveUp: () => {}, cancel: () => {} }),
  openOffered: () => undefined,
  largestFile: 0,
  lost: Effect.never,
  isLost: Effect.succeed(false),
  kill: () => Effect.void,
  killProcesses: Effect.void
})

const shellValue = (bytes: number) => ({
  ...{ stdoutBytes: bytes, stderrBytes: 0, stdoutTruncated: false, stderrTruncated: false },
  ...{ exitCode: 0, signal: null, timedOut: false }
})

const limits = { depth: 10, cost: 1000 }

describe("an answer that is large", () => {
  const json = (text: string) => new Uint8Array(Buffer.from(text))
  const unparsed = (text: string): Answer => ({ json: json(text), body: new Uint8Array(0), limits, notice: "so" })

  /** What another thread is asked to do for such an answer. */
  const leftToThread = (answer: Answer) =>
    Effect.gen(function*() {
      const asked: Array<AnsweredLarge> = []
      const replies: ReplyThread = {
        toolReply: (_sandbox, _tool, answered) => {
          asked.push(answered)
          return Effect.succeed({ content: [], isError: false })
        },
        resultJson: () => Effect.never,
        contents: () => Effect.never
      }
      const params = { imageId: "i", labels: {}, idleSeconds: 1, replyFormat: "v0.12" } as const
      const { callTool } = yield* startSession(
        params,
        () => 1,
        Effect.succeed(stub(answer)),
        replies,
        new TimelineBudget()
      )
      yield* callTool("shell", { command: "true" }, "v0.12")
      return asked.map((one) => one.answer)
    })

  it.effect("is left to another thread, and a small one is not", () =>
    Effect.gen(function*() {
      const small = { value: shellValue(10), body: Buffer.alloc(10) }
      const large = { value: shellValue(100_000), body: Buffer.alloc(100_000) }
      assert.deepStrictEqual(yield* leftToThread(small), [])
      assert.deepStrictEqual(yield* leftToThread(large), [large])
      const heavy = unparsed("{}")
      assert.deepStrictEqual(yield* leftToThread(heavy), [heavy])
    }))

  const reply = (answer: Answer) =>
    Effect.gen(function*() {
      const replies = yield* makeReplies
      const context: RequestContext = { sandboxMillis: 0 }
      const call = { op: "shell", command: "true", timeoutMs: 1000 } as const
      const tool = { name: "shell", args: { command: "true" }, format: "v0.12" } as const
      const { content } = yield* withRequestContext(context)(
        replies.toolReply(stub(answer), tool, new AnsweredLarge({ call, answer }))
      )
      assert.strictEqual(content[0]?.text, context.encodedText?.placeholder)
      return JSON.parse(JSON.parse(Buffer.from(context.encodedText?.json ?? []).toString()))
    }).pipe(Effect.scoped)

  it.live("is read for a page as it would be here", () =>
    Effect.gen(function*() {
      const replies = yield* makeReplies
      const text = JSON.stringify({ stdout: "\u00e9\ud83c\udf88\n".repeat(20_000), stderr: "", exit_code: 3 })
      const encoded = new Uint8Array(Buffer.from(JSON.stringify(text)))
      for (const kept of [text, encoded]) {
        const reply = { tool: "shell", text: kept, isError: false }
        assert.deepStrictEqual(yield* replies.contents(reply), contentsOf(reply))
      }
    }).pipe(Effect.scoped))

  it.live("becomes the reply that it would have become here, notices included", () =>
    Effect.gen(function*() {
      const text = "\"\\\u0001\u00e9\ud83c\udf88\n".repeat(20_000)
      const body = new Uint8Array(Buffer.from(text))
      assert.deepStrictEqual(yield* reply({ value: shellValue(body.length), body }), {
        stdout: text,
        stderr: "",
        exit_code: 0
      })
      const killed = yield* reply(unparsed(JSON.stringify({ ok: true, value: shellValue(0) })))
      assert.include(killed.stderr, "[a process was killed: so]")
    }))

  it.live("and of another shape, loses its sandbox", () =>
    Effect.gen(function*() {
      for (
        const text of ["{}", "{", `{"ok":true,"value":[]}`, `{"ok":true,"value":${"[".repeat(20)}${"]".repeat(20)}}`]
      ) {
        const error = yield* failsWith(reply(unparsed(text)), "SandboxLost")
        assert.include(error.reason, "in another shape")
      }
    }))
})

layer(layerWith(best))("an answer of the agent", (it) => {
  it.effect("has so many results of so many MIME types", () =>
    Effect.sync(() => {
      const isAccepted = (results: ReadonlyArray<unknown>) =>
        Either.isRight(Schema.decodeUnknownEither(CodeValue)(value(results)))
      assert.isTrue(isAccepted([bundle(257), {}]))
      assert.isFalse(isAccepted([bundle(258)]))
      assert.isFalse(isAccepted(Array.from({ length: 10_002 }, () => ({}))))
      assert.isFalse(isAccepted([[]]))
    }))
})
