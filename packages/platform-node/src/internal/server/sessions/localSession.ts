/** A session of the local runtime, and how one is started. */
import type { Labels, ToolReply } from "@effect-agb/core/AgbApi"
import { makeTools, type ReplyFormat } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import { acquireOwned } from "../../ownScope.js"
import type { SandboxLost, SandboxStartError } from "../../sandbox/channel/protocol.js"
import type { SandboxPool } from "../../sandbox/pool.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { countSandboxTime } from "../http/requestContext.js"
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
  /** Run before the sandbox is stopped, within a time limit: for example to save files. */
  readonly preStopHooks: Array<Effect.Effect<void>>
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

/** Takes a sandbox for a session, under a scope of its own. `nextSerial` is called once the sandbox is there. */
export const startSession = (
  { idleSeconds, imageId, labels, replyFormat }: SessionParams,
  nextSerial: () => number,
  take: SandboxPool["take"]
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
      callTool: makeTools(toolHandlers.make(sandbox)),
      preStopHooks: [],
      status: "RUNNING",
      createdAt: now,
      usedAt: now,
      active: 0
    })
  )
