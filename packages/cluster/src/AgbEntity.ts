/**
 * Sessions as entities of `@effect/cluster`: each has a name by which every runner reaches it, outlives the runner that works in it, and is
 * deleted when it is closed or nobody uses it.
 *
 * @since 0.1.0
 */
import type { Agb } from "@effect-agb/core/Agb"
import type * as AgbError from "@effect-agb/core/AgbError"
import type * as CreateSessionParams from "@effect-agb/core/CreateSessionParams"
import type * as Session from "@effect-agb/core/Session"
import * as Entity from "@effect/cluster/Entity"
import type * as Sharding from "@effect/cluster/Sharding"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as codeRuns from "./internal/codeRuns.js"
import * as commands from "./internal/commands.js"
import { type Calls, calls } from "./internal/entityCalls.js"
import * as heldSession from "./internal/heldSession.js"
import * as liveOutput from "./internal/liveOutput.js"

export {
  /**
   * The calls of such an entity, by their names: what each is given, its result and its errors.
   *
   * @since 0.1.0
   * @category models
   */
  type Calls,
  /**
   * The declarations of these calls.
   *
   * @since 0.1.0
   * @category schemas
   */
  calls,
  /**
   * Events of `runCodeStream`. The last one is `Completed`.
   *
   * @since 0.1.0
   * @category schemas
   */
  CodeEvent,
  /**
   * Events of `commandStream`. The last one is `Exited`, whatever the exit code.
   *
   * @since 0.1.0
   * @category schemas
   */
  CommandEvent,
  /**
   * What `command` is given beside that of `commandStream`: exit codes that count as success (default: `[0]`), and how many bytes of the end
   * of each stream the result has (default: 65,536).
   *
   * @since 0.1.0
   * @category models
   */
  type CommandPayload,
  /**
   * What `commandStream` is given: the command of a key, its time limit (default: none), absolute working directory and environment.
   *
   * @since 0.1.0
   * @category models
   */
  type CommandStreamPayload,
  /**
   * The schema of the errors of all calls, which are those of the SDK.
   *
   * @since 0.1.0
   * @category models
   */
  type Errors,
  /**
   * What `readFile` is given: an absolute path.
   *
   * @since 0.1.0
   * @category models
   */
  type ReadFilePayload,
  /**
   * What `runCode` and `runCodeStream` are given: the code of a key, its language and its time limit (default: 300 seconds).
   *
   * @since 0.1.0
   * @category models
   */
  type RunCodePayload,
  /**
   * What `writeFile` is given: the whole content of a file at an absolute path.
   *
   * @since 0.1.0
   * @category models
   */
  type WriteFilePayload
} from "./internal/entityCalls.js"

/**
 * Options of `layer`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Parameters of the session of an entity. */
  readonly session: CreateSessionParams.Input | ((entityId: string) => CreateSessionParams.Input)
  /** A session that no call has used for so long is deleted. Default: 30 minutes. */
  readonly idleTimeToLive?: Duration.DurationInput | undefined
}

/**
 * An entity that is a session. Its name tells kinds of sessions apart.
 *
 * - `runCode` and `command` have their effect once for each `key`, as those of `AgbWorkflow`, and `writeFile` writes the whole file. They
 *   are stored until they are answered: the runner may be killed, and another goes on. A key that was answered gets the same answer again,
 *   also if that was an error.
 * - `commandStream` starts the command of the key, or finds it, and reads its output from the beginning. `runCodeStream` runs the code of
 *   a key once; who comes later gets `ExecutionUnknownError`. `readFile` and the streams are not stored.
 * - `close` deletes the session. The next call has another one, as after `SessionLostError`, with which the call fails that finds out.
 *
 * @example
 * ```ts
 * import { AgbEntity } from "@effect-agb/cluster"
 * import { Effect } from "effect"
 *
 * export const Notebook = AgbEntity.make("Notebook")
 *
 * export const layer = AgbEntity.layer(Notebook, { session: { imageId: "agb-code-space-1" }, idleTimeToLive: "1 hour" })
 *
 * export const program = Effect.gen(function*() {
 *   const notebook = (yield* Notebook.client)("ada")
 *   yield* notebook.runCode({ key: "cell 1", code: "x = 41", language: "python" })
 *   const { text } = yield* notebook.runCode({ key: "cell 2", code: "x + 1", language: "python" })
 *   return text
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <const Name extends string>(name: Name): Entity.Entity<Name, Calls> => Entity.make(name, calls)

/** Keys may be any text; what they name in a session may not. */
const nameOf = (key: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))),
    (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("")
  )

const handlersOf = (held: heldSession.HeldSession) => {
  const use = <A, E>(f: (session: Session.Session) => Effect.Effect<A, E>) =>
    Effect.scoped(Effect.flatMap(held.borrow, f))
  const once = <A, E>(key: string, f: (session: Session.Session, name: string) => Effect.Effect<A, E>) =>
    Effect.flatMap(nameOf(key), (name) => use((session) => f(session, name)))
  const live = <A>(
    key: string,
    f: (session: Session.Session, name: string) => Stream.Stream<A, AgbError.AgbError>
  ): Stream.Stream<A, AgbError.AgbError> =>
    Stream.unwrapScoped(Effect.zipWith(nameOf(key), held.borrow, (name, session) => f(session, name)))
  return {
    runCode: ({ payload: { code, key, language, timeout } }) =>
      once(key, (session, name) => codeRuns.run(session, name, { code, language }, { timeout })),
    command: ({ payload: { command, key, ...options } }) =>
      once(key, (session, name) => commands.run(session.command, name, command, options)),
    writeFile: ({ payload: { content, path } }) => use(({ fileSystem }) => fileSystem.writeFile(path, content)),
    readFile: ({ payload: { path } }) => use(({ fileSystem }) => fileSystem.readFile(path)),
    runCodeStream: ({ payload: { code, key, language, timeout } }) =>
      live(key, (session, name) => liveOutput.ofCode(session, name, { code, language }, { timeout })),
    commandStream: ({ payload: { command, key, ...options } }) =>
      live(key, (session, name) => liveOutput.ofCommand(session, name, command, options)),
    close: () => held.close
  } satisfies Entity.HandlersFrom<Calls>
}

/**
 * Lets this runner host the sessions of an entity. They need storage of messages, as `SingleRunner.layer` of @effect/cluster and its layers
 * for several runners have.
 *
 * A session is found again by its owner label wherever its entity runs, and kept alive while it does. Of two runners that hold the same
 * entity the one that took the session later has it; calls of the other wait until it knows, and are then made by the first.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <Name extends string>(
  entity: Entity.Entity<Name, Calls>,
  { idleTimeToLive = "30 minutes", session }: Options
): Layer.Layer<never, never, Agb | Sharding.Sharding> =>
  entity.toLayer(
    Effect.gen(function*() {
      const { entityId } = yield* Entity.CurrentAddress
      const params = typeof session === "function" ? session(entityId) : session
      return handlersOf(yield* heldSession.make(params, idleTimeToLive))
    }),
    { concurrency: "unbounded" }
  )
