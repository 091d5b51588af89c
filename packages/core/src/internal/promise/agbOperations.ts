/** Operations of the promise API on the `Agb` service. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Agb } from "../../Agb.js"
import type { Input } from "../../CreateSessionParams.js"
import type * as sessions from "../session/session.js"
import type { Connection } from "./connection.js"
import * as operations from "./operation.js"
import * as results from "./results.js"

export interface Subject {
  readonly agb: Agb.Service
  readonly connection: Connection
}

const Params = Schema.declare((u): u is Input => Predicate.isRecord(u), { description: "an object with an imageId" })

/** Returns the id of a session. Anything else is returned unchanged and fails validation. */
export const sessionIdOf = (session: unknown): unknown =>
  Predicate.hasProperty(session, "sessionId") ? session.sessionId : session

export const create = operations.make(
  "Session.make",
  { params: Params },
  results.session<sessions.Session>(),
  ({ agb, connection }: Subject, { params }) => connection.create(agb, params)
)

export const attach = operations.make(
  "Session.attach",
  { sessionId: Schema.String },
  results.session<sessions.Session>(),
  ({ agb }: Subject, { sessionId }) => agb.attach(sessionId)
)

export const list = operations.make(
  "Agb.list",
  { labels: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })) },
  results.sessionList,
  ({ agb }: Subject, { labels }) => Effect.map(Stream.runCollect(agb.list(labels)), Chunk.toReadonlyArray)
)

export const remove = operations.make(
  "Agb.delete",
  { session: Schema.String.annotations({ description: "a session or its id" }) },
  results.deleted,
  ({ agb, connection }: Subject, { session }) => connection.remove(agb, session)
)
