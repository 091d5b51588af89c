/** The bytes of a session's files, in frames of bounded size. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FileWrite } from "../../sandbox/channel/protocol.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { type CallFailure, makeAgentCall } from "./agentCall.js"

/** The bytes of one frame. */
export const frameBytes = 8 * 1024 * 1024

const Written = Schema.Struct({ bytesWritten: Schema.NonNegativeInt })

const Opened = Schema.Struct({ file: Schema.NonNegativeInt })

const Size = Schema.Struct({ size: Schema.NonNegativeInt })

/** Gives the next bytes in pieces, about a frame of them, and none at the end. */
export type NextFrame<E> = Effect.Effect<ReadonlyArray<Uint8Array>, E>

/** Writes a file as its bytes come. The next frame is read while one is being written. */
export const writeFile = <E>(
  sandbox: Sandbox,
  file: FileWrite,
  next: NextFrame<E>
): Effect.Effect<number, CallFailure | E> => {
  const agentCall = makeAgentCall<never>(sandbox)
  const pass = (id: number, first: ReadonlyArray<Uint8Array>) =>
    Effect.gen(function*() {
      for (let pieces = first; pieces.length > 0;) {
        const sent = agentCall({ op: "continueWrite", file: id }, Schema.Null, pieces)
        pieces = (yield* Effect.zip(sent, next, { concurrent: true }))[1]
      }
    })
  const inFrames = (first: ReadonlyArray<Uint8Array>, second: ReadonlyArray<Uint8Array>) =>
    Effect.acquireUseRelease(
      agentCall({ op: "beginWrite", ...file }, Opened),
      ({ value: { file: id } }) =>
        Effect.gen(function*() {
          yield* agentCall({ op: "continueWrite", file: id }, Schema.Null, first)
          yield* pass(id, second)
          return (yield* agentCall({ op: "endWrite", file: id, commit: true }, Written)).value.bytesWritten
        }),
      ({ value: { file: id } }, exit) =>
        exit._tag === "Success"
          ? Effect.void
          : Effect.ignore(agentCall({ op: "endWrite", file: id, commit: false }, Written))
    )
  return Effect.gen(function*() {
    const first = yield* next
    const second = first.length === 0 ? first : yield* next
    if (second.length === 0) {
      return (yield* agentCall({ op: "writeFile", ...file }, Written, first)).value.bytesWritten
    }
    return yield* inFrames(first, second)
  })
}

/** Reads a part of a file, and says how large it is as a whole. */
export const readFile = (sandbox: Sandbox, path: string, offset: number, length: number) =>
  Effect.map(
    makeAgentCall<never>(sandbox)({ op: "readFile", path, offset, length }, Size),
    ({ body, value: { size } }) => ({ bytes: body, size })
  )
