/**
 * The tools of a session for the SDK's own modules, without HTTP: the page uses what they know of processes, terminals and files. Such a
 * call has no entry in the timeline and does not count as use.
 */
import type { ToolReply } from "@effect-agb/core/AgbApi"
import { SessionLostError } from "@effect-agb/core/AgbError"
import * as ToolCall from "@effect-agb/core/ToolCall"
import * as Effect from "effect/Effect"
import { type RequestContext, withRequestContext } from "../../http/requestContext.js"
import type { LocalSession } from "../../sessions/localSession.js"

/** The context of what a person does. */
export const pageRequest = (onPageEntry: (id: string) => void = () => {}): RequestContext => ({
  requestId: crypto.randomUUID().toUpperCase(),
  onPageEntry,
  sandboxMillis: 0
})

/** A large text is JSON already, for which something else stands in the reply. */
const withText = (reply: ToolReply, { encodedText }: RequestContext): ToolReply => {
  const [first] = reply.content
  if (encodedText === undefined || first?.text !== encodedText.placeholder) return reply
  const { buffer, byteLength, byteOffset } = encodedText.json
  return { ...reply, content: [{ ...first, text: JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString()) }] }
}

const makeToolCall = (session: LocalSession, callTool: LocalSession["callTool"]): ToolCall.ToolCall =>
  ToolCall.make(({ args, name, operation }) =>
    Effect.suspend(() => {
      const lost = new SessionLostError({
        operation,
        sessionId: session.sessionId,
        reason: "NotFound",
        mayHaveHappened: true
      })
      if (session.status !== "RUNNING") return Effect.fail(lost)
      const context = pageRequest()
      return callTool(name, args, "v0.12").pipe(
        withRequestContext(context),
        Effect.mapBoth({
          onFailure: () => lost,
          onSuccess: (reply) => ({ reply: withText(reply, context), requestId: context.requestId })
        })
      )
    })
  )

/** For looking, and for what has an entry of its own. */
export const toolCallOf = (session: LocalSession): ToolCall.ToolCall => makeToolCall(session, session.callUnrecorded)

/** For what a person does: its calls have entries. */
export const recordedToolCallOf = (session: LocalSession): ToolCall.ToolCall => makeToolCall(session, session.callTool)
