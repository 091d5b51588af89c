/** The messages between the server and the thread that turns large answers into replies. Each belongs to the job of its id. */
import type { ReplyFormat } from "@effect-agb/core/AgbServer"
import type { Answer } from "../../sandbox/channel/largeAnswer.js"
import type { SandboxCall } from "../../sandbox/channel/protocol.js"
import type { Contents } from "../timeline/entry.js"
import type { KeptReply } from "../timeline/replies.js"

/** A call of a tool, which is made again with this answer to one of its calls to the agent. */
export interface ToolJob {
  readonly name: string
  readonly args: unknown
  readonly format: ReplyFormat
  readonly hasNetwork: boolean
  readonly call: SandboxCall
  readonly answer: Answer
}

export type ToThread =
  & { readonly id: number }
  & (
    | { readonly tool: ToolJob }
    /** A result of a streamed run, as the agent sent it. */
    | { readonly result: Uint8Array }
    /** A reply that a page wants to see. */
    | { readonly kept: KeptReply }
    /** To the last call that was asked for. */
    | { readonly answer: Answer }
    | { readonly failure: { readonly code: string; readonly message: string } }
    | { readonly cancelled: true }
  )

/** What a job has become; the JSON is UTF-8. */
export type Outcome =
  /** The text of a tool's reply, as a JSON string. */
  | { readonly text: Uint8Array; readonly isError: boolean }
  /** A result, as clients get it. */
  | { readonly result: Uint8Array }
  | { readonly contents: Contents }
  /** The agent has answered what it cannot have. */
  | { readonly lost: string }
  | { readonly defect: string }

export type FromThread =
  & { readonly id: number }
  & (
    | Outcome
    /** The tool needs another answer of the agent. */
    | { readonly call: SandboxCall }
  )

/** The memory of an answer, to be handed over and not copied. An answer that is not large may share its own with others. */
export const memoryOf = (...views: ReadonlyArray<Uint8Array>): Array<ArrayBuffer> =>
  [...new Set(views.map(({ buffer }) => buffer))].filter((buffer) => buffer instanceof ArrayBuffer)
