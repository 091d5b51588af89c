/** What a test did not foresee: a call without a scripted answer. */
import * as Schema from "effect/Schema"
import { visible } from "../../wire/text/visibleText.js"

const longest = 200

/** A call as it stands in a message: short, and on one line. */
export const shown = (text: string): string =>
  JSON.stringify(visible(text.length <= longest ? text : `${text.slice(0, longest)}…`))

export class UnscriptedError extends Schema.TaggedError<UnscriptedError>("@effect-agb/core/AgbTest/UnscriptedError")(
  "UnscriptedError",
  {
    /** What was asked for, e.g. the python code "1 + 1". */
    asked: Schema.String,
    /** What is scripted. */
    known: Schema.Array(Schema.String)
  }
) {
  override get message(): string {
    const known = this.known.length === 0 ? "nothing" : this.known.map(shown).join(", ")
    return `AgbTest: there is no answer for ${this.asked}. Scripted: ${known}`
  }
}
