/** Fields that several errors have in common, and the form of their messages. */
import * as Schema from "effect/Schema"

/** Fields of every error of a call. */
export const call = {
  operation: Schema.String,
  requestId: Schema.optional(Schema.String)
}

/** Both depend on the retry safety of the call: a safe call has no effect and may always be retried. */
export const outcome = { mayHaveHappened: Schema.Boolean, retryable: Schema.Boolean }

export const output = { stdout: Schema.String, stderr: Schema.String }

export const sentence = (head: string, detail: string): string => detail === "" ? `${head}.` : `${head}: ${detail}`
