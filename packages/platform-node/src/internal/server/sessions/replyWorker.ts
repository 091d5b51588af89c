/** The thread that turns large answers of agents into replies, so that the event loop of the server does not. */
import { makeTools } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { parentPort } from "node:worker_threads"
import { parsedAnswer } from "../../sandbox/channel/largeAnswer.js"
import { SandboxFailure, SandboxLost } from "../../sandbox/channel/protocol.js"
import { contentsOf } from "../timeline/replies.js"
import { type FromThread, memoryOf, type Outcome, type ToolJob, type ToThread } from "./replyMessages.js"
import { decodeResult, toItem } from "./results.js"
import * as toolHandlers from "./toolHandlers.js"

type Answered = Effect.Effect<ToolJob["answer"], SandboxFailure>

const answers = new Map<number, (answer: Answered) => void>()
const jobs = new Map<number, Fiber.RuntimeFiber<unknown, unknown>>()

const send = (message: FromThread, ...views: ReadonlyArray<Uint8Array>) =>
  parentPort?.postMessage(message, memoryOf(...views))

/** `Buffer.from` could share its memory. */
const encoder = new TextEncoder()

const ask = (id: number, call: ToolJob["call"]): Answered =>
  Effect.async((resume) => {
    answers.set(id, resume)
    send({ id, call })
  })

/** Makes the call of the tool again. What the agent has answered already is not asked for a second time. */
const toolReply = (id: number, { answer, args, call, format, hasNetwork, name }: ToolJob) => {
  const [first, known] = [JSON.stringify(call), [answer]]
  const callTool = makeTools(toolHandlers.make<never>({
    hasNetwork,
    call: (call) =>
      Effect.map(
        Effect.suspend(() => {
          const answer = JSON.stringify(call) === first ? known.pop() : undefined
          return answer === undefined ? ask(id, call) : Effect.succeed(answer)
        }),
        parsedAnswer
      ),
    kill: () => Effect.void
  }))
  return Effect.map(callTool(name, args, format), ({ content, isError }): Outcome => ({
    text: encoder.encode(JSON.stringify(content.map((item) => item.text ?? "").join("\n"))),
    isError: isError === true
  }))
}

const resultJson = (body: Uint8Array): Effect.Effect<Outcome, SandboxLost> =>
  Either.match(decodeResult(body), {
    onLeft: () => new SandboxLost({ reason: "the agent answered runCode in another shape" }),
    onRight: (result) => {
      const { data, isMainResult } = toItem(result)
      return Effect.succeed({ result: encoder.encode(JSON.stringify({ mime: data, isMainResult })) })
    }
  })

const finish = (id: number, exit: Exit.Exit<Outcome, never>) => {
  jobs.delete(id)
  answers.delete(id)
  if (Exit.isInterrupted(exit)) return
  const outcome = Exit.getOrElse(exit, (cause): Outcome => ({ defect: String(cause) }))
  if ("text" in outcome) send({ id, ...outcome }, outcome.text)
  else if ("result" in outcome) send({ id, ...outcome }, outcome.result)
  else send({ id, ...outcome })
}

const start = (id: number, work: Effect.Effect<Outcome, SandboxLost>) => {
  const fiber = Effect.runFork(Effect.catchAll(work, ({ reason }) => Effect.succeed<Outcome>({ lost: reason })))
  jobs.set(id, fiber)
  fiber.addObserver((exit) => finish(id, exit))
}

parentPort?.on("message", (message: ToThread) => {
  const { id } = message
  if ("tool" in message) start(id, toolReply(id, message.tool))
  else if ("result" in message) start(id, resultJson(message.result))
  else if ("kept" in message) start(id, Effect.sync(() => ({ contents: contentsOf(message.kept) })))
  else if ("answer" in message) answers.get(id)?.(Effect.succeed(message.answer))
  else if ("failure" in message) answers.get(id)?.(Effect.fail(new SandboxFailure(message.failure)))
  else {
    const fiber = jobs.get(id)
    if (fiber !== undefined) Effect.runFork(Fiber.interruptFork(fiber))
  }
})
