/**
 * Deletes the sessions of workflows and entities that have ended without deleting them, e.g. because the service did not answer. One runner of
 * a cluster does so for all.
 *
 * @since 0.1.0
 */
import { Agb } from "@effect-agb/core/Agb"
import type { AgbError, ClientError } from "@effect-agb/core/AgbError"
import type * as Sharding from "@effect/cluster/Sharding"
import * as Singleton from "@effect/cluster/Singleton"
import type * as Workflow from "@effect/workflow/Workflow"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as claim from "./internal/claim.js"
import * as owners from "./internal/owners.js"

/**
 * Options of the sweeper.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Workflows whose sessions it looks after. Those of others are kept. */
  readonly workflows?: ReadonlyArray<Workflow.Any> | undefined
  /** Entities of `AgbEntity` whose sessions it looks after. Those of others are kept. */
  readonly entities?: ReadonlyArray<{ readonly type: string }> | undefined
  /** Time between two sweeps. Default: 5 minutes. */
  readonly interval?: Duration.DurationInput | undefined
  /** How long an owner must be seen to have ended before its session is deleted. Default: 10 minutes, and at least 3. */
  readonly grace?: Duration.DurationInput | undefined
}

/**
 * A session, and why it was kept. `Alive`: its owner has not ended, or not for long enough. `Unknown`: nothing tells whether its owner has
 * ended. `Unreadable`: that could not be read, see `error`.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeptSession {
  readonly sessionId: string
  readonly reason: "Alive" | "Unknown" | "Unreadable"
  readonly error: Option.Option<AgbError>
}

/**
 * What a sweep did with the sessions of workflows and entities. Each is in one of the lists.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  readonly deleted: ReadonlyArray<string>
  readonly kept: ReadonlyArray<KeptSession>
  /** What was to be deleted and could not be. It is tried again by the next sweep, and is also in `Agb.undeleted`. */
  readonly failed: ReadonlyArray<{ readonly sessionId: string; readonly error: AgbError }>
}

/**
 * A sweeper, which remembers what it saw.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sweeper {
  /** Fails, before anything is deleted, if the sessions cannot be listed. */
  readonly sweep: Effect.Effect<Report, ClientError>
}

/** Requests at a time. */
const concurrency = 8

/** A runner shows every minute that it has a session. */
const leastGrace = Duration.minutes(3)

/** What is known of an owner. `Still` is a sign that changes for as long as it lives. */
type State = { readonly _tag: "Alive" | "Unknown" } | { readonly _tag: "Still"; readonly sign: string }

const kept = (sessionId: string, reason: KeptSession["reason"], error?: AgbError): KeptSession => ({
  sessionId,
  reason,
  error: Option.fromNullable(error)
})

class SessionSweeper {
  readonly #agb: Agb.Service
  readonly #engine: typeof WorkflowEngine.WorkflowEngine.Service
  readonly #workflows: ReadonlyArray<Workflow.Any>
  readonly #entities: ReadonlySet<string>
  readonly #grace: number
  /** Since when which sign was seen. */
  #seen = new Map<string, { readonly sign: string; readonly since: number }>()

  constructor(agb: Agb.Service, engine: typeof WorkflowEngine.WorkflowEngine.Service, options: Options) {
    const { entities = [], grace = "10 minutes", workflows = [] } = options
    this.#agb = agb
    this.#engine = engine
    this.#workflows = workflows
    this.#entities = new Set(entities.map(({ type }) => type))
    this.#grace = Duration.toMillis(Duration.max(grace, leastGrace))
  }

  readonly sweep: Effect.Effect<Report, ClientError> = Effect.gen(this, function*() {
    const listed = yield* Stream.runCollect(this.#agb.list(owners.chosen))
    const report = {
      deleted: [] as Array<string>,
      kept: [] as Array<KeptSession>,
      failed: [] as Array<Report["failed"][0]>
    }
    const seen = this.#seen
    this.#seen = new Map()
    yield* Effect.forEach(listed, ({ sessionId }) =>
      Effect.gen(this, function*() {
        const state = yield* this.#stateOf(sessionId)
        if (state === undefined) return
        if (state._tag !== "Still") return report.kept.push(kept(sessionId, state._tag))
        const now = yield* Clock.currentTimeMillis
        const before = seen.get(sessionId)
        const since = before?.sign === state.sign ? before.since : now
        this.#seen.set(sessionId, { sign: state.sign, since })
        if (now - since < this.#grace) return report.kept.push(kept(sessionId, "Alive"))
        return yield* Effect.match(this.#agb.delete(sessionId), {
          onSuccess: () => report.deleted.push(sessionId),
          onFailure: (error) => report.failed.push({ sessionId, error })
        })
      }).pipe(
        Effect.catchTag("SessionLostError", () => Effect.void),
        Effect.catchAll((error) => Effect.sync(() => report.kept.push(kept(sessionId, "Unreadable", error))))
      ), { concurrency, discard: true })
    return report
  })

  /** Nothing is known of sessions that belong to neither workflows nor entities. */
  #stateOf(sessionId: string): Effect.Effect<State | undefined, AgbError> {
    return Effect.gen(this, function*() {
      const owner = owners.ownerOf(yield* this.#agb.client.getLabel({ sessionId }))
      switch (owner?._tag) {
        case "Workflow":
          return yield* this.#workflowState(owner.executionId)
        case "Entity":
          return this.#entities.has(owner.type) ? yield* this.#entityState(sessionId) : { _tag: "Unknown" }
        default:
          return undefined
      }
    })
  }

  /** The label does not tell which workflow it is, but no two have the same execution. */
  #workflowState(executionId: string): Effect.Effect<State> {
    return Effect.gen(this, function*() {
      for (const workflow of this.#workflows) {
        const poll = this.#engine.poll(workflow as Workflow.Workflow<string, never, never, never>, executionId)
        const polled = yield* Effect.exit(poll)
        if (Exit.isFailure(polled)) return { _tag: "Unknown" }
        if (polled.value?._tag === "Complete") return { _tag: "Still", sign: "complete" }
        if (polled.value?._tag === "Suspended") return { _tag: "Alive" }
      }
      // It runs at the moment, or is none of these workflows.
      return { _tag: "Unknown" }
    })
  }

  #entityState(sessionId: string): Effect.Effect<State, AgbError> {
    return Effect.gen(this, function*() {
      const pulse = yield* claim.pulse(yield* this.#agb.attach(sessionId))
      return { _tag: "Still", sign: Option.getOrElse(pulse, () => "") }
    })
  }
}

/**
 * Creates a sweeper that sweeps when it is told to.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Sweeper, never, Agb | WorkflowEngine.WorkflowEngine> =>
  Effect.zipWith(Agb, WorkflowEngine.WorkflowEngine, (agb, engine) => new SessionSweeper(agb, engine, options))

const log = ({ deleted, failed }: Report): Effect.Effect<void> =>
  Effect.zipRight(
    deleted.length === 0
      ? Effect.void
      : Effect.logInfo(`Deleted ${deleted.length} sessions whose workflow or entity has ended`, deleted),
    Effect.forEach(failed, ({ error, sessionId }) =>
      Effect.annotateLogs(
        Effect.logWarning("A session whose workflow or entity has ended could not be deleted", error.message),
        { sessionId }
      ), { discard: true })
  )

/**
 * Sweeps at an interval, on one runner of the cluster.
 *
 * A session is deleted only if its owner label names a workflow or an entity of the options, and that has been seen to have ended for the
 * whole of `grace`: the engine has the result of the workflow, or no runner has shown that it runs the entity. What cannot be deleted is
 * logged, and tried again.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<never, never, Agb | Sharding.Sharding | WorkflowEngine.WorkflowEngine> =>
  Singleton.make(
    "AgbSweeper",
    Effect.flatMap(make(options), ({ sweep }) =>
      sweep.pipe(
        Effect.flatMap(log),
        Effect.catchAll((error) => Effect.logWarning("The sessions to sweep cannot be listed", error.message)),
        Effect.repeat(Schedule.spaced(options.interval ?? "5 minutes")),
        Effect.asVoid
      ))
  )
