/** A session of the local runtime, and how one is started. */
import type { Labels, ToolReply } from "@effect-agb/core/AgbApi"
import { makeTools, type ReplyFormat } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import type { Body } from "../../agentWire/frames.js"
import { makeFifoSemaphore } from "../../fifoSemaphore.js"
import { acquireOwned } from "../../ownScope.js"
import { isLarge, isUnparsed } from "../../sandbox/channel/largeAnswer.js"
import type { SandboxCall, SandboxLost, SandboxStartError } from "../../sandbox/channel/protocol.js"
import type { SandboxPool } from "../../sandbox/pool.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { countSandboxTime } from "../http/requestContext.js"
import { currentRecording, recordedTool } from "../timeline/recorded.js"
import { Timeline, type TimelineBudget } from "../timeline/timeline.js"
import type { Callable } from "./agentCall.js"
import { HandedFiles } from "./handedFiles.js"
import { AnsweredLarge, type ReplyThread } from "./replyThread.js"
import * as toolHandlers from "./toolHandlers.js"

export interface LocalSession {
  readonly sessionId: string
  /** Position in the order of creation. */
  readonly serial: number
  readonly imageId: string
  readonly resourceId: string
  readonly appInstanceId: string
  /** Credential of the link and WebSocket routes. */
  readonly token: string
  /** Default reply format of tool calls, that of the client which created the session. */
  readonly replyFormat: ReplyFormat
  readonly idleMillis: number
  readonly createdAt: number
  readonly scope: Scope.CloseableScope
  readonly sandbox: Sandbox
  /** Calls a tool, and records that. */
  readonly callTool: ToolCalls
  /** Calls a tool for somebody who only looks. */
  readonly callUnrecorded: ToolCalls
  readonly timeline: Timeline
  /** What clients on this machine read and write themselves. */
  readonly handed: HandedFiles
  /** Run before the sandbox is stopped: for example to save files. Each returns what it could not do, and why. */
  readonly preStopHooks: Array<Effect.Effect<ReadonlyArray<string>>>
  status: "RUNNING" | "DELETING"
  labels: Labels
  usedAt: number
  /** Calls in flight; a session with any is not idle. */
  active: number
  /** Why it ends, for people. */
  endReason: string | undefined
}

type ToolCalls = (name: string, args: unknown, format: ReplyFormat) => Effect.Effect<ToolReply, SandboxLost>

export interface SessionParams {
  readonly imageId: string
  readonly labels: Labels
  readonly idleSeconds: number
  readonly replyFormat: ReplyFormat
}

const randomId = (prefix: string): string => `${prefix}-${Crypto.randomBytes(10).toString("hex")}`

/** A sandbox whose large answers end the call of a tool: another thread goes on with it. */
const withoutLargeAnswers = (sandbox: Sandbox, timeline: Timeline): Callable<AnsweredLarge> => ({
  hasNetwork: sandbox.hasNetwork,
  kill: sandbox.kill,
  call: (call, body) =>
    Effect.flatMap(
      timeline.isWatched ? watchedCall(sandbox, timeline, call, body) : sandbox.callUnparsed(call, body),
      (answer) => isLarge(answer) || isUnparsed(answer) ? new AnsweredLarge({ call, answer }) : Effect.succeed(answer)
    )
})

/** A call whose output is told while it runs. */
const watchedCall = (
  { callUnparsed }: Sandbox,
  timeline: Timeline,
  call: SandboxCall,
  body: Body | undefined
): ReturnType<Sandbox["callUnparsed"]> =>
  Effect.flatMap(currentRecording, (recording) => {
    if (recording === undefined || call.op !== "shell" && call.op !== "runCode") return callUnparsed(call, body)
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
    return callUnparsed(call, body, ({ body, event }) => {
      if (event !== "result") timeline.output(recording, event, decoders[event].decode(body, { stream: true }))
    })
  })

/** One large answer of a session at a time: those of others come in between. */
const toolsOf = (sandbox: Sandbox, replies: ReplyThread, timeline: Timeline): ToolCalls => {
  const callTool = makeTools(toolHandlers.make(withoutLargeAnswers(sandbox, timeline)))
  const oneByOne = makeFifoSemaphore(1)
  return (name, args, format) =>
    Effect.catchIf(
      callTool(name, args, format),
      (error) => error instanceof AnsweredLarge,
      (answered) => oneByOne(replies.toolReply(sandbox, { name, args, format }, answered))
    )
}

/** Takes a sandbox for a session, under a scope of its own. `nextSerial` is called once the sandbox is there. */
export const startSession = (
  { idleSeconds, imageId, labels, replyFormat }: SessionParams,
  nextSerial: () => number,
  take: SandboxPool["take"],
  replies: ReplyThread,
  budget: TimelineBudget
): Effect.Effect<LocalSession, SandboxStartError> =>
  Effect.zipWith(
    acquireOwned(countSandboxTime(take)),
    Clock.currentTimeMillis,
    ({ scope, value: sandbox }, now): LocalSession => {
      const timeline = new Timeline(budget)
      const callUnrecorded = toolsOf(sandbox, replies, timeline)
      return {
        sessionId: randomId("s"),
        serial: nextSerial(),
        resourceId: randomId("p"),
        appInstanceId: randomId("ai"),
        token: randomId("t"),
        imageId,
        labels,
        replyFormat,
        idleMillis: idleSeconds * 1000,
        scope,
        sandbox,
        callTool: (name, args, format) =>
          recordedTool(timeline, name, args, (name, args) => callUnrecorded(name, args, format)),
        callUnrecorded,
        timeline,
        handed: new HandedFiles(sandbox),
        preStopHooks: [],
        status: "RUNNING",
        createdAt: now,
        usedAt: now,
        active: 0,
        endReason: undefined
      }
    }
  )
