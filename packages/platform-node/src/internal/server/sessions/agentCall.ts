/** Calls to the agent of a sandbox. Its answers are untrusted and always decoded. */
import { ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import {
  type SandboxAnswer,
  type SandboxCall,
  type SandboxFailure,
  SandboxLost
} from "../../sandbox/channel/protocol.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { countSandboxTime } from "../http/requestContext.js"

export type CallFailure = ToolFailure | SandboxLost

/** Calls the agent and decodes the value of its answer. One of another shape kills the sandbox. */
export type AgentCall = <A, I>(
  call: SandboxCall,
  value: Schema.Schema<A, I>,
  body?: Uint8Array
) => Effect.Effect<{ readonly value: A; readonly body: Uint8Array }, CallFailure>

const toolFailure = ({ code, message }: SandboxFailure): ToolFailure => new ToolFailure({ text: `${code}: ${message}` })

export const makeAgentCall = (sandbox: Sandbox): AgentCall => (call, schema, body) => {
  const decode = Schema.decodeUnknownEither(schema)
  const decoded = (answer: SandboxAnswer) =>
    Either.match(decode(answer.value), {
      onLeft: () => {
        const lost = new SandboxLost({ reason: `the agent answered ${call.op} in another shape` })
        return Effect.zipRight(sandbox.kill(lost.reason), lost)
      },
      onRight: (value) => Effect.succeed({ value, body: answer.body })
    })
  return countSandboxTime(sandbox.call(call, body)).pipe(
    Effect.mapError((error) => error._tag === "SandboxFailure" ? toolFailure(error) : error),
    Effect.flatMap(decoded)
  )
}
