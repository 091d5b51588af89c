/** Fields that several errors have in common, and the form of their messages. */
import * as Schema from "effect/Schema"
import { visible } from "../wire/text/visibleText.js"

/** Fields of every error of a call. */
export const call = {
  operation: Schema.String,
  requestId: Schema.optional(Schema.String)
}

/** Both depend on the retry safety of the call: a safe call has no effect and may always be retried. */
export const outcome = { mayHaveHappened: Schema.Boolean, retryable: Schema.Boolean }

/** Whether a kernel has kept the state of earlier runs; absent where the session does not tell. */
export const stateKept = { stateKept: Schema.optional(Schema.Boolean) }

/** Under which the service traces a command; absent where it does not tell. */
export const traceId = { traceId: Schema.optional(Schema.String) }

export const output = { stdout: Schema.String, stderr: Schema.String }

/** A message of one line. What servers and sessions say is escaped. */
export const line = (text: string): string => visible(text)

export const sentence = (head: string, detail: string): string =>
  line(detail === "" ? `${head}.` : `${head}: ${detail}`)
