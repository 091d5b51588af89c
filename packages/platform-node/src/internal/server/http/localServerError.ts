import * as Schema from "effect/Schema"

/** The server could not listen, for example because its port is in use. `code` is that of the system call. */
export class LocalServerError extends Schema.TaggedError<LocalServerError>()("LocalServerError", {
  host: Schema.String,
  port: Schema.Number,
  code: Schema.String
}) {
  override get message(): string {
    const advice = this.code === "EADDRINUSE" || this.code === "EACCES"
      ? "choose another port, or 0 for any"
      : "choose an address of this machine"
    return `The local runtime cannot listen on ${this.host}, port ${this.port} (${this.code}); ${advice}`
  }
}
