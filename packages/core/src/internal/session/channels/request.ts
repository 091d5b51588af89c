/** Requests to what holds a channel open: scripts that run beside it inside the session. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import type { ToolCall } from "../../../ToolCall.js"
import * as control from "../processes/control.js"
import type { ProcessFailure } from "../processes/model.js"
import * as scripts from "../processes/scripts.js"
import { quote } from "../shell.js"
import type { Driver } from "./driver.js"

export interface Target {
  readonly toolCall: ToolCall
  readonly key: string
  readonly driver: Driver
}

export interface Request {
  readonly operation: string
  readonly words: string
  readonly bytes?: Uint8Array | undefined
  readonly retrySafety: "safe" | "idempotent"
  /** How long it may wait inside the session. */
  readonly wait?: Duration.Duration | undefined
}

export interface Reply {
  readonly words: ReadonlyArray<string>
  readonly bytes: Uint8Array
  /** The session has cut off the bytes. */
  readonly isCut: boolean
}

const nothing = new Uint8Array()

const script = ({ driver, key }: Target, words: string, bytes: Uint8Array): string =>
  `${scripts.directory(key)}
cd "$dir" 2>/dev/null && [ -e calls ] || { echo "agb none"; exit 0; }
${driver.request} ${quote(words)} ${quote(Encoding.encodeBase64(bytes))}`

/** The words of a reply, and its bytes as base64. */
const parse = ([first = "", base64 = "", last]: ReadonlyArray<string>): Either.Either<Reply, unknown> => {
  const words = first.trim().split(/ +/).slice(1)
  if (last !== "agb done") return Either.right({ words, bytes: nothing, isCut: true })
  return Either.map(
    base64 === "" ? Either.right(nothing) : Encoding.decodeBase64(base64),
    (bytes) => ({ words, bytes, isCut: false })
  )
}

export const malformed = ({ operation, retrySafety }: Pick<Request, "operation" | "retrySafety">) =>
  control.malformed(operation, retrySafety, "a reply of the channel")

export const send = (target: Target, request: Request): Effect.Effect<Reply, ProcessFailure> =>
  Effect.gen(function*() {
    const { key, toolCall } = target
    const { bytes = nothing, operation, retrySafety, wait, words } = request
    const text = script(target, words, bytes)
    const printed = yield* control.run(toolCall, { operation, key, text, retrySafety, wait })
    const reply = parse(printed.lines)
    if (Either.isLeft(reply)) return yield* malformed(request)
    const [kind] = reply.right.words
    if (kind === "none") return yield* control.processError(operation, key, "Gone")
    if (kind === "lost") return yield* control.processError(operation, key, "Lost")
    return reply.right
  })
