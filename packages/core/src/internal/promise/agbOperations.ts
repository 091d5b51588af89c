/** Operations of the promise API on the `Agb` service. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Agb, Undeleted } from "../../Agb.js"
import type { Input } from "../../CreateSessionParams.js"
import { SessionRef } from "../../SessionRef.js"
import type * as services from "../lifecycle/sweep.js"
import type * as sessions from "../session/session.js"
import type { Connection } from "./connection/connection.js"
import * as operations from "./operation.js"
import { type Plain, plain } from "./plain.js"
import * as results from "./results.js"

export interface Subject {
  readonly agb: Agb.Service
  readonly connection: Connection
}

export const Params = Schema.declare((u): u is Input => Predicate.isRecord(u), {
  description: "an object with an imageId"
})

/** Returns the id of a session. Anything else is returned unchanged and fails validation. */
export const sessionIdOf = (session: unknown): unknown =>
  Predicate.hasProperty(session, "sessionId") ? session.sessionId : session

export const create = operations.make(
  "Session.make",
  { params: Params, keepAlive: Schema.optional(Schema.Boolean) },
  results.session<sessions.Session>(),
  ({ agb, connection }: Subject, { keepAlive, params }) => connection.create(agb, params, { keepAlive })
)

export const attach = operations.make(
  "Session.attach",
  { sessionId: Schema.String },
  results.session<sessions.Session>(),
  ({ agb }: Subject, { sessionId }) => agb.attach(sessionId)
)

export const ensure = operations.make(
  "Agb.ensure",
  { owner: Schema.String, params: Params },
  results.data<SessionRef>(),
  ({ agb }: Subject, { owner, params }) => agb.ensure(owner, params)
)

export const resume = operations.lasting(
  "Session.resume",
  { ref: Schema.Struct(SessionRef.fields) },
  ({ agb }: Subject, { ref }) => agb.resume(new SessionRef(ref, { disableValidation: true }))
)

/** Options of `sweep`. */
export interface SweepOptions extends operations.CallOptions {
  /**
   * Also deletes sessions of programs on other machines that are at least this old: your word that no program keeps a session
   * for so long. Default: these are never deleted.
   */
  readonly olderThanMs?: number | undefined
  /** Reports what it would delete, and deletes nothing. Default: false. */
  readonly dryRun?: boolean | undefined
}

/** A session that a sweep has kept, and why. `error` is there if its labels could not be read. */
export type KeptSession = Plain<services.KeptSession>

/** What a sweep did. Each session is in one of the lists. */
export interface SweepReport extends Pick<services.SweepReport, "deleted" | "failed"> {
  readonly kept: ReadonlyArray<KeptSession>
}

export const sweep = operations.make(
  "Agb.sweep",
  { olderThanMs: Schema.optional(operations.Millis), dryRun: Schema.optional(Schema.Boolean) },
  results.data<SweepReport>(),
  ({ agb }: Subject, { dryRun, olderThanMs }) =>
    Effect.map(
      agb.sweep({ dryRun, ...(olderThanMs === undefined ? {} : { olderThan: Duration.millis(olderThanMs) }) }),
      (report) => ({ ...report, kept: report.kept.map(plain) })
    )
)

export const undeleted = operations.make(
  "Agb.undeleted",
  {},
  results.data<ReadonlyArray<Undeleted>>(),
  ({ agb }: Subject) => agb.undeleted
)

export const list = operations.make(
  "Agb.list",
  { labels: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })) },
  results.sessionList,
  ({ agb }: Subject, { labels }) => Effect.map(Stream.runCollect(agb.list(labels)), Chunk.toReadonlyArray)
)

export const remove = operations.make(
  "Agb.delete",
  {
    session: Schema.String.annotations({ description: "a session or its id" }),
    sync: Schema.optional(Schema.Boolean),
    deleteUnsaved: Schema.optional(Schema.Boolean)
  },
  results.deleted,
  ({ agb, connection }: Subject, { deleteUnsaved, session, sync }) =>
    connection.remove(agb, session, { deleteUnsaved, sync })
)
