/**
 * A reference to a session that can be stored, sent elsewhere, and used by another program: `Session.resume`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What another program needs to go on with a session. It gives no access by itself: a key of the account is needed as well.
 *
 * - `sessionId`: the id of the session.
 * - `imageId`: its image; empty if the session was attached, since the server does not report it.
 * - `idleTimeoutSeconds`: after how many seconds without use the server releases it. Absent if it is not known: then
 *   `Session.resume` reads it from the labels of a session that this SDK has created, and takes 300 for others.
 *
 * @since 0.1.0
 * @category schemas
 */
export class SessionRef extends Schema.Class<SessionRef>("@effect-agb/core/SessionRef")({
  sessionId: Schema.NonEmptyString,
  imageId: Schema.String,
  idleTimeoutSeconds: Schema.optional(Schema.Number.pipe(Schema.positive()))
}) {}
