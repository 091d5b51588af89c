import * as Schema from "effect/Schema"

/** The guardian could not be started. `reason` says why. */
export class GuardianError extends Schema.TaggedError<GuardianError>()("GuardianError", { reason: Schema.String }) {
  override get message(): string {
    return `The guardian of sessions cannot be started: ${this.reason}`
  }
}
