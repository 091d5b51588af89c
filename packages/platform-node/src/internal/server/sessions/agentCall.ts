/** Asking the agent of a sandbox. What it says is decoded, never trusted. */
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
import { inSandbox } from "../http/requestContext.js"

export type CallFailure = ToolFailure | SandboxLost

/** Calls the agent and decodes what it answers; an answer of another shape ends the sandbox. */
export type Ask = <A, I>(
  call: SandboxCall,
  value: Schema.Schema<A, I>,
  body?: Uint8Array
) => Effect.Effect<{ readonly value: A; readonly body: Uint8Array }, CallFailure>

const failed = ({ code, message }: SandboxFailure): ToolFailure => new ToolFailure({ text: `${code}: ${message}` })

/** How a sandbox is asked. */
export const askOf = (sandbox: Sandbox): Ask => (call, schema, body) => {
  const decode = Schema.decodeUnknownEither(schema)
  const read = (answer: SandboxAnswer) =>
    Either.match(decode(answer.value), {
      onLeft: () => {
        const lost = new SandboxLost({ reason: `the agent answered ${call.op} in another shape` })
        return Effect.zipRight(sandbox.kill(lost.reason), lost)
      },
      onRight: (value) => Effect.succeed({ value, body: answer.body })
    })
  return inSandbox(sandbox.call(call, body)).pipe(
    Effect.mapError((error) => error._tag === "SandboxFailure" ? failed(error) : error),
    Effect.flatMap(read)
  )
}
