/**
 * A thread that turns large answers of agents into replies. Parsing and encoding megabytes takes longer than anything else
 * that the server does, and all sessions share its event loop. The thread is started for the first large answer.
 */
import type { ToolReply } from "@effect-agb/core/AgbApi"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import { type Answer, isLarge, isUnparsed } from "../../sandbox/channel/largeAnswer.js"
import { type SandboxCall, SandboxLost } from "../../sandbox/channel/protocol.js"
import { packageFolder } from "../../sandbox/process/packageFolder.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { encodedText } from "../http/requestContext.js"
import type { Contents } from "../timeline/entry.js"
import type { KeptReply } from "../timeline/replies.js"
import { type FromThread, memoryOf, type Outcome, type ToolJob, type ToThread } from "./replyMessages.js"

/** A tool has got a large answer, with which the thread has to go on. */
export class AnsweredLarge extends Data.TaggedError("AnsweredLarge")<{
  readonly call: SandboxCall
  readonly answer: Answer
}> {}

export interface ReplyThread {
  /** The reply of a tool that has got a large answer. */
  readonly toolReply: (
    sandbox: Sandbox,
    tool: Omit<ToolJob, "hasNetwork" | "call" | "answer">,
    answered: AnsweredLarge
  ) => Effect.Effect<ToolReply, SandboxLost>
  /** A large result of a streamed run as JSON for clients. The memory of `body` must be its own. */
  readonly resultJson: (sandbox: Sandbox, body: Uint8Array) => Effect.Effect<Uint8Array, SandboxLost>
  /** What a page shows of a reply. Dies if the thread does. */
  readonly contents: (reply: KeptReply) => Effect.Effect<Contents>
}

const workerFile = (): URL => pathToFileURL(Path.join(packageFolder(import.meta.url) ?? ".", "dist", "replyWorker.mjs"))

/** Several large answers take some hundred MiB while they are encoded. */
const maxHeapMebibytes = 2048

interface Job {
  readonly settle: (outcome: Outcome) => void
  readonly onCall: (call: SandboxCall) => void
}

class Thread {
  readonly #worker = new Worker(workerFile(), {
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMebibytes }
  })
  readonly #jobs = new Map<number, Job>()
  #last = 0
  #isGone = false

  constructor() {
    this.#worker.unref()
    this.#worker.on("message", (message: FromThread) => this.#onMessage(message))
    this.#worker.on("error", (error) => this.#end(error.message))
    this.#worker.on("exit", () => this.#end("its thread has ended"))
  }

  get isGone(): boolean {
    return this.#isGone
  }

  begin(job: Job): number {
    this.#jobs.set(this.#last += 1, job)
    return this.#last
  }

  forget(id: number): void {
    if (this.#jobs.delete(id)) this.send({ id, cancelled: true })
  }

  send(message: ToThread, ...views: ReadonlyArray<Uint8Array>): void {
    if (!this.#isGone) this.#worker.postMessage(message, memoryOf(...views))
  }

  stop(): Promise<unknown> {
    return this.#worker.terminate()
  }

  #onMessage(message: FromThread) {
    const job = this.#jobs.get(message.id)
    if ("call" in message) return job?.onCall(message.call)
    this.#jobs.delete(message.id)
    job?.settle(message)
  }

  #end(defect: string) {
    this.#isGone = true
    for (const { settle } of this.#jobs.values()) settle({ defect })
    this.#jobs.clear()
  }
}

const sendAnswer = (thread: Thread, id: number, answer: Answer, tool?: Omit<ToolJob, "answer">) => {
  const views = isUnparsed(answer) ? [answer.json, answer.body] : [answer.body]
  const message = (answer: Answer): ToThread => tool === undefined ? { id, answer } : { id, tool: { ...tool, answer } }
  if (isLarge(answer)) thread.send(message(answer), ...views)
  else thread.send(message({ ...answer, body: new Uint8Array(answer.body) }))
}

/** Answers a call of the thread to the agent; after a loss the thread is not waited for. */
const answerCall = (thread: Thread, id: number, sandbox: Sandbox, call: SandboxCall, settle: Job["settle"]) =>
  Effect.match(sandbox.callUnparsed(call), {
    onSuccess: (answer) => sendAnswer(thread, id, answer),
    onFailure: (error) =>
      error._tag === "SandboxFailure"
        ? thread.send({ id, failure: { code: error.code, message: error.message } })
        : settle({ lost: error.reason })
  })

/** Starts a thread when the first is needed, and another one if it has ended; the last ends with the scope. */
export const make: Effect.Effect<ReplyThread, never, Scope.Scope> = Effect.gen(function*() {
  let current: Thread | undefined
  const thread = () => current = current === undefined || current.isGone ? new Thread() : current
  yield* Effect.addFinalizer(() => Effect.promise(async () => current?.stop()))

  const run = (sandbox: Sandbox, begin: (thread: Thread, id: number) => void) =>
    Effect.async<Outcome>((resume) => {
      const used = thread()
      const calls = new Set<Fiber.RuntimeFiber<void>>()
      const settle = (outcome: Outcome) => resume(Effect.succeed(outcome))
      const onCall = (call: SandboxCall) => {
        const fiber = Effect.runFork(answerCall(used, id, sandbox, call, settle))
        calls.add(fiber)
        fiber.addObserver(() => calls.delete(fiber))
      }
      const id = used.begin({ settle, onCall })
      begin(used, id)
      return Effect.zipRight(Effect.sync(() => used.forget(id)), Fiber.interruptAll(calls))
    }).pipe(Effect.flatMap((outcome): Effect.Effect<Outcome, SandboxLost> => {
      if ("defect" in outcome) return Effect.dieMessage(`a large answer was not encoded: ${outcome.defect}`)
      if (!("lost" in outcome)) return Effect.succeed(outcome)
      const lost = new SandboxLost({ reason: outcome.lost })
      return Effect.zipRight(sandbox.kill(lost.reason), lost)
    }))

  return {
    toolReply: (sandbox, tool, { answer, call }) =>
      Effect.flatMap(
        run(sandbox, (thread, id) => sendAnswer(thread, id, answer, { ...tool, call, hasNetwork: sandbox.hasNetwork })),
        (outcome) =>
          "text" in outcome
            ? Effect.map(encodedText(outcome.text), (text): ToolReply => ({
              content: [{ type: "text", text }],
              isError: outcome.isError
            }))
            : Effect.dieMessage("no text")
      ),
    resultJson: (sandbox, body) =>
      Effect.flatMap(
        run(sandbox, (thread, id) => thread.send({ id, result: body }, body)),
        (outcome) => "result" in outcome ? Effect.succeed(outcome.result) : Effect.dieMessage("no result")
      ),
    contents: (reply) =>
      Effect.async<Contents>((resume) => {
        const used = thread()
        const settle = (outcome: Outcome) =>
          resume("contents" in outcome ? Effect.succeed(outcome.contents) : Effect.dieMessage("a reply was not read"))
        const id = used.begin({ settle, onCall: () => {} })
        used.send({ id, kept: reply })
        return Effect.sync(() => used.forget(id))
      })
  }
})
