/**
 * Sessions as durable steps of `@effect/workflow`: a session that belongs to an execution of a workflow rather than to a process,
 * and steps in it that have their effect once, however often the engine runs them.
 *
 * @since 0.1.0
 */
import { Agb } from "@effect-agb/core/Agb"
import * as AgbError from "@effect-agb/core/AgbError"
import type { Code } from "@effect-agb/core/Code"
import { Command } from "@effect-agb/core/Command"
import type * as CreateSessionParams from "@effect-agb/core/CreateSessionParams"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import * as Session from "@effect-agb/core/Session"
import { SessionRef } from "@effect-agb/core/SessionRef"
import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as codeRuns from "./internal/codeRuns.js"
import * as commands from "./internal/commands.js"
import { patiently, patientlyOnce } from "./internal/patience.js"

export {
  /**
   * Result of a run: the text of its value, what it displayed and printed.
   *
   * @since 0.1.0
   * @category schemas
   */
  CodeResult,
  /**
   * Options of `runCode`.
   *
   * @since 0.1.0
   * @category models
   */
  type RunCodeOptions
} from "./internal/codeRuns.js"

export {
  /**
   * Options of `command`.
   *
   * @since 0.1.0
   * @category models
   */
  type CommandOptions,
  /**
   * Result of a command that exited with an accepted code.
   *
   * @since 0.1.0
   * @category schemas
   */
  CommandResult
} from "./internal/commands.js"

/**
 * Options of `session`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionOptions {
  /** Tells the sessions of one workflow apart. Default: `session`. */
  readonly name?: string | undefined
  /**
   * What becomes of a step whose session is lost: it fails with `SessionLostError` (`fail`, the default), or a session is made again
   * with the same parameters, and so with the content of its contexts, and the step runs there from its beginning (`recreate`, at
   * most four times).
   */
  readonly onLost?: "fail" | "recreate" | undefined
}

/**
 * What there is inside of a workflow.
 *
 * @since 0.1.0
 * @category models
 */
export type InWorkflow = WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance

/**
 * What a step may use of its session.
 *
 * @since 0.1.0
 * @category models
 */
export type InSession = Session.Session | Code | Command | FileSystem | Scope.Scope

/**
 * A session of an execution of a workflow. Steps are told apart by their names: each must be unique within the workflow. What fails
 * with an error that is `retryable` is repeated, for about four minutes, before the failure is that of the step.
 *
 * @since 0.1.0
 * @category models
 */
export interface DurableSession {
  /** The session at the moment: a later one after a loss. */
  readonly ref: Effect.Effect<SessionRef>
  /**
   * Runs an effect in the session as an activity: once its result is recorded it does not run again. Before that it may run more
   * than once, when a process that runs it is killed. Results and errors are stored by the engine.
   */
  readonly step: <
    R,
    Success extends Schema.Schema.Any = typeof Schema.Void,
    Error extends Schema.Schema.All = typeof Schema.Never
  >(name: string, options: {
    readonly success?: Success | undefined
    readonly error?: Error | undefined
    readonly execute: Effect.Effect<Success["Type"], Error["Type"] | AgbError.AgbError, R>
  }) => Effect.Effect<
    Success["Type"],
    Error["Type"] | AgbError.AgbError,
    Exclude<R, InSession | InWorkflow> | Success["Context"] | Error["Context"] | Agb | InWorkflow
  >
  /**
   * Runs a command that takes effect once: it is a process of the session that the key of the activity names, so that whoever runs
   * the activity again finds it, running or ended. Errors are those of `Command.executeCommand`, and `ProcessError` of reason `Lost`
   * where the session cannot tell how it ended.
   */
  readonly command: (
    name: string,
    command: string,
    options?: commands.CommandOptions
  ) => Effect.Effect<commands.CommandResult, AgbError.AgbError, Agb | InWorkflow>
  /**
   * Runs code that takes effect at most once. The run is claimed in the session, and its outcome recorded there. Whoever runs the
   * activity again returns what was recorded; where a run was claimed and no outcome is recorded within two minutes more than its
   * time limit it fails with `ExecutionUnknownError`, and never runs the code again.
   */
  readonly runCode: (
    name: string,
    code: string,
    language: string,
    options?: codeRuns.RunCodeOptions
  ) => Effect.Effect<codeRuns.CodeResult, AgbError.AgbError, Agb | InWorkflow>
}

/** With the first one. */
const mostSessions = 5

/**
 * Whether the workflow has ended, and not only its run in this process: then another one goes on with it. So it is after a defect,
 * such as a database that is gone, unless the workflow captures defects.
 */
const hasEnded = (
  exit: Exit.Exit<unknown, unknown>,
  { interrupted, workflow }: WorkflowEngine.WorkflowInstance["Type"]
): boolean => {
  if (interrupted || Exit.isSuccess(exit)) return true
  const capturesDefects = Context.get(workflow.annotations, Workflow.CaptureDefects)
  return !Cause.isInterruptedOnly(exit.cause) && (capturesDefects || !Cause.isDie(exit.cause))
}

class Durable implements DurableSession {
  readonly #params: CreateSessionParams.Input
  readonly #name: string
  readonly #isRecreated: boolean
  readonly #changes = Effect.unsafeMakeSemaphore(1)
  #refs: ReadonlyArray<SessionRef> = []

  constructor(params: CreateSessionParams.Input, { name = "session", onLost = "fail" }: SessionOptions) {
    this.#params = params
    this.#name = name
    this.#isRecreated = onLost === "recreate"
  }

  readonly ref: Effect.Effect<SessionRef> = Effect.suspend(() => {
    const ref = this.#refs.at(-1)
    return ref === undefined ? Effect.dieMessage("a durable session has no session") : Effect.succeed(ref)
  })

  /** Finds or makes the next session, which the end of the workflow deletes. */
  readonly open: Effect.Effect<SessionRef, AgbError.AgbError, Agb | InWorkflow> = Effect.gen(this, function*() {
    const instance = yield* WorkflowEngine.WorkflowInstance
    const agb = yield* Agb
    const name = `${this.#name}/${this.#refs.length + 1}`
    const ref = yield* Activity.make({
      name,
      success: SessionRef,
      error: AgbError.AgbError,
      execute: patientlyOnce(agb.ensure(`workflow/${instance.executionId}/${name}`, this.#params))
    })
    this.#refs = [...this.#refs, ref]
    // What cannot be deleted is logged, counted and listed by the SDK.
    yield* Workflow.addFinalizer((exit) =>
      hasEnded(exit, instance) ? Effect.ignore(agb.delete(ref.sessionId)) : Effect.void
    )
    return ref
  })

  readonly step: DurableSession["step"] = (name, { error, execute, success }) =>
    this.#activity(name, success, error, () => patiently(execute))

  readonly command: DurableSession["command"] = (name, command, options) =>
    this.#activity(
      name,
      commands.CommandResult,
      Schema.Never,
      (key) => Effect.flatMap(Command, (service) => patientlyOnce(commands.run(service, key, command, options)))
    )

  readonly runCode: DurableSession["runCode"] = (name, code, language, options) =>
    this.#activity(
      name,
      codeRuns.CodeResult,
      Schema.Never,
      (key) => Effect.flatMap(Session.Session, (session) => codeRuns.run(session, key, { code, language }, options))
    )

  #activity<R, Success extends Schema.Schema.Any, Error extends Schema.Schema.All>(
    name: string,
    success: Success | undefined,
    error: Error | undefined,
    execute: (key: string) => Effect.Effect<Success["Type"], Error["Type"] | AgbError.AgbError, R>
  ): Effect.Effect<
    Success["Type"],
    Error["Type"] | AgbError.AgbError,
    Exclude<R, InSession | InWorkflow> | Success["Context"] | Error["Context"] | Agb | InWorkflow
  > {
    const attempt = (nth: number): Effect.Effect<
      Success["Type"],
      Error["Type"] | AgbError.AgbError,
      Exclude<R, InSession | InWorkflow> | Success["Context"] | Error["Context"] | Agb | InWorkflow
    > => {
      const activity = nth === 1 ? name : `${name} (${nth})`
      const run = Activity.make({
        name: activity,
        success,
        error: error === undefined ? AgbError.AgbError : Schema.Union(error, AgbError.AgbError),
        execute: Effect.gen(this, function*() {
          const key = yield* Activity.idempotencyKey(activity)
          const session = yield* patiently(Session.resume(yield* this.ref))
          return yield* Effect.provide(execute(key), Session.toContext(session))
        })
      }) as unknown as ReturnType<typeof attempt>
      return this.#isRecreated && nth < mostSessions
        ? Effect.catchIf(run, isLost, ({ sessionId }) => Effect.zipRight(this.#replace(sessionId), attempt(nth + 1)))
        : run
    }
    return attempt(1)
  }

  /** Opens the next session, unless another step has done so. */
  #replace(lostId: string): Effect.Effect<void, AgbError.AgbError, Agb | InWorkflow> {
    return this.#changes.withPermits(1)(
      Effect.flatMap(this.ref, ({ sessionId }) => sessionId === lostId ? Effect.asVoid(this.open) : Effect.void)
    )
  }
}

const isLost = (error: unknown): error is AgbError.SessionLostError => error instanceof AgbError.SessionLostError

/**
 * A session of this execution of the workflow: found or created by a durable step, and deleted when the workflow ends, on success,
 * failure and interruption. When only the process ends, the session stays for the process that goes on with the workflow.
 *
 * Fails with the errors of `Agb.ensure`.
 *
 * @example
 * ```ts
 * import { AgbWorkflow } from "@effect-agb/cluster"
 * import { AgbError } from "@effect-agb/core"
 * import { Workflow } from "@effect/workflow"
 * import { Effect, Schema } from "effect"
 *
 * export const Build = Workflow.make({
 *   name: "Build",
 *   payload: { repository: Schema.String },
 *   success: Schema.String,
 *   error: AgbError.AgbError,
 *   idempotencyKey: ({ repository }) => repository
 * })
 *
 * export const layer = Build.toLayer(({ repository }) =>
 *   Effect.gen(function*() {
 *     const session = yield* AgbWorkflow.session({ imageId: "agb-code-space-1" })
 *     yield* session.command("clone", `git clone '${repository}' work`)
 *     const { stdout } = yield* session.command("test", "cd work && npm test", { timeout: "10 minutes" })
 *     return stdout
 *   }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const session = (
  params: CreateSessionParams.Input,
  options: SessionOptions = {}
): Effect.Effect<DurableSession, AgbError.AgbError, Agb | InWorkflow> =>
  Effect.suspend(() => {
    const durable = new Durable(params, options)
    return Effect.as(durable.open, durable)
  })
