import * as Schema from "effect/Schema"

/**
 * The server could not listen, for example because its port is taken. `code` is the system's.
 */
export class LocalServerError extends Schema.TaggedError<LocalServerError>()("LocalServerError", {
  port: Schema.Number,
  code: Schema.String
}) {
  override get message(): string {
    return `The local runtime cannot listen on 127.0.0.1:${this.port} (${this.code}); choose another port, or 0 for any`
  }
}
