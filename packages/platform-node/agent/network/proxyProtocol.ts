/** What the two protocols of the proxy have in common. */

/** Where a client wants to connect to. */
export interface Target {
  readonly host: string
  readonly port: number
  /** Sent to the client once it is connected. */
  readonly connected: Buffer
  /** Sent to the server first. */
  readonly head: Buffer
  /** The reply to a client whose connection was refused. */
  readonly rejection: (reason: Reason, message: string) => Buffer
}

export type Reason = "forbidden" | "unknown" | "unreachable" | "closed" | "late"

/**
 * Parses what a client has sent so far. Returns undefined if more is needed; a reply, the unread rest and the next step; the
 * target; or a last reply before the connection is closed.
 */
export type Step = (received: Buffer) =>
  | undefined
  | { readonly reply: Buffer; readonly rest: Buffer; readonly next: Step }
  | { readonly target: Target }
  | { readonly end: Buffer }
