/** Calls to the agent of a sandbox. Its answers are untrusted and always decoded. */
import { ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { Body } from "../../agentWire/frames.js"
import { type SandboxAnswer, type SandboxCall, SandboxFailure, SandboxLost } from "../../sandbox/channel/protocol.js"
import { countSandboxTime } from "../http/requestContext.js"

export type CallFailure = ToolFailure | SandboxLost

/** What of a sandbox is needed; a call may fail with `E` besides. */
export interface Callable<E = never> {
  readonly hasNetwork: boolean
  readonly call: (
    call: SandboxCall,
    body?: Body
  ) => Effect.Effect<SandboxAnswer, SandboxFailure | SandboxLost | E>
  readonly kill: (reason: string) => Effect.Effect<void>
}

/** Calls the agent and decodes the value of its answer. One of another shape kills the sandbox. */
export type AgentCall<E = never> = <A, I>(
  call: SandboxCall,
  value: Schema.Schema<A, I>,
  body?: Body
) => Effect.Effect<{ readonly value: A; readonly body: Uint8Array }, CallFailure | E>

const toolFailure = ({ code, message }: SandboxFailure): ToolFailure => new ToolFailure({ text: `${code}: ${message}` })

/** Decodes the answer to a call. One of another shape kills the sandbox. */
export const decodeAnswer = <A, I>(
  sandbox: Pick<Callable, "kill">,
  op: SandboxCall["op"],
  answer: SandboxAnswer,
  schema: Schema.Schema<A, I>
): Effect.Effect<{ readonly value: A; readonly body: Uint8Array }, SandboxLost> =>
  Either.match(Schema.decodeUnknownEither(schema)(answer.value), {
    onLeft: () => {
      const lost = new SandboxLost({ reason: `the agent answered ${op} in another shape` })
      return Effect.zipRight(sandbox.kill(lost.reason), lost)
    },
    onRight: (value) => Effect.succeed({ value, body: answer.body })
  })

/** An error of a call as that of a tool, unless the sandbox is gone. */
export const callFailure = <E>(error: E): ToolFailure | Exclude<E, SandboxFailure> =>
  error instanceof SandboxFailure ? toolFailure(error) : error as Exclude<E, SandboxFailure>

export const makeAgentCall = <E = never>(sandbox: Callable<E>): AgentCall<E> => (call, schema, body) =>
  countSandboxTime(sandbox.call(call, body)).pipe(
    Effect.mapError(callFailure),
    Effect.flatMap((answer) => decodeAnswer(sandbox, call.op, answer, schema))
  )
