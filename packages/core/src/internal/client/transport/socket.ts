/** WebSockets as core uses them: text messages, and reading that can be paused where the runtime allows it. */
import * as Schema from "effect/Schema"

/** The address of a WebSocket, and what its handshake sends. */
export interface SocketRequest {
  readonly url: string
  /** The token of the session, sent as `X-Access-Token`. */
  readonly token: string
  /** The largest message in bytes; a larger one closes the socket with `TooLarge`. */
  readonly maxBytes: number
}

/** What a socket calls once it is open. */
export interface SocketListener {
  readonly onMessage: (text: string) => void
  /** Called once, and not necessarily after `close`. */
  readonly onClose: (error: SocketError) => void
}

/** An open WebSocket. No method throws; on a socket that is closing they have no effect. */
export interface Socket {
  readonly send: (text: string) => void
  /** Starts the closing handshake, and ends the connection where the server does not complete it. */
  readonly close: () => void
  /** A number that grows with everything received, parts of messages included. */
  readonly received: () => number
  /** Sends a control frame that the other side answers by itself. Absent where the runtime cannot. */
  readonly ping?: () => void
  /** Stops and resumes reading. Absent where the runtime cannot: then the reader has to keep up. */
  readonly setPaused?: (isPaused: boolean) => void
  /** Whether the socket keeps the process alive. */
  readonly setReferenced?: (isReferenced: boolean) => void
}

/**
 * A WebSocket that could not be opened or was closed. `Unreachable` and `Rejected` mean that it never was open; `status` and
 * `body` are the reply to a handshake that was rejected. `code` is the error code of the cause or the close code, or empty.
 */
export class SocketError extends Schema.TaggedError<SocketError>("@effect-agb/core/SocketError")("SocketError", {
  reason: Schema.Literal("Unreachable", "Rejected", "Closed", "TooLarge"),
  code: Schema.String,
  status: Schema.optional(Schema.Number),
  body: Schema.optional(Schema.String)
}) {}
