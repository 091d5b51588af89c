/** A session of the local runtime, and how one is started. */
import type { Labels, ToolReply } from "@effect-agb/core/AgbApi"
import { makeTools, type ReplyFormat } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import { makeFifoSemaphore } from "../../fifoSemaphore.js"
import { acquireOwned } from "../../ownScope.js"
import { isLarge, isUnparsed } from "../../sandbox/channel/largeAnswer.js"
import type { SandboxLost, SandboxStartError } from "../../sandbox/channel/protocol.js"
import type { SandboxPool } from "../../sandbox/pool.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { countSandboxTime } from "../http/requestContext.js"
import type { Callable } from "./agentCall.js"
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
  readonly callTool: (name: string, args: unknown, format: ReplyFormat) => Effect.Effect<ToolReply, SandboxLost>
  /** Run before the sandbox is stopped: for example to save files. Each returns what it could not do, and why. */
  readonly preStopHooks: Array<Effect.Effect<ReadonlyArray<string>>>
  status: "RUNNING" | "DELETING"
  labels: Labels
  usedAt: number
  /** Calls in flight; a session with any is not idle. */
  active: number
}

export interface SessionParams {
  readonly imageId: string
  readonly labels: Labels
  readonly idleSeconds: number
  readonly replyFormat: ReplyFormat
}

const randomId = (prefix: string): string => `${prefix}-${Crypto.randomBytes(10).toString("hex")}`

/** A sandbox whose large answers end the call of a tool: another thread goes on with it. */
const withoutLargeAnswers = ({ callUnparsed, hasNetwork, kill }: Sandbox): Callable<AnsweredLarge> => ({
  hasNetwork,
  kill,
  call: (call, body) =>
    Effect.flatMap(
      callUnparsed(call, body),
      (answer) => isLarge(answer) || isUnparsed(answer) ? new AnsweredLarge({ call, answer }) : Effect.succeed(answer)
    )
})

/** One large answer of a session at a time: those of others come in between. */
const toolsOf = (sandbox: Sandbox, replies: ReplyThread): LocalSession["callTool"] => {
  const callTool = makeTools(toolHandlers.make(withoutLargeAnswers(sandbox)))
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
  replies: ReplyThread
): Effect.Effect<LocalSession, SandboxStartError> =>
  Effect.zipWith(
    acquireOwned(countSandboxTime(take)),
    Clock.currentTimeMillis,
    ({ scope, value: sandbox }, now): LocalSession => ({
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
      callTool: toolsOf(sandbox, replies),
      preStopHooks: [],
      status: "RUNNING",
      createdAt: now,
      usedAt: now,
      active: 0
    })
  )
