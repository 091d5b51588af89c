/**
 * For tests of programs that use this SDK: a backend in memory with scripted runs and commands; faults between the SDK and any
 * backend, the local runtime, the cloud or one of your own; recordings of any backend. It is not part of the index: import it from
 * `@effect-agb/core/AgbTest`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Agb from "./Agb.js"
import type { AgbClient } from "./AgbClient.js"
import * as AgbConfig from "./AgbConfig.js"
import type { ConfigurationError } from "./AgbError.js"
import type { HttpReply, HttpRequest } from "./AgbServer.js"
import * as backends from "./internal/testing/memory/backend.js"
import type { CodeRun, CommandRun, LedgerEntry } from "./internal/testing/memory/ledger.js"
import type { Options } from "./internal/testing/memory/options.js"
import * as memoryOptions from "./internal/testing/memory/options.js"
import { endpoint, secrets } from "./internal/testing/memory/secrets.js"
import type { TestSession } from "./internal/testing/memory/sessions.js"
import type { UnscriptedError } from "./internal/testing/memory/unscripted.js"
import { Transport } from "./Transport.js"

export * from "./internal/testing/cassettes.js"

export * from "./internal/testing/faults.js"

export type * from "./internal/testing/memory/ledger.js"

export * from "./internal/testing/memory/answers.js"

export {
  /**
   * The secrets that the backend in memory hands out, by what they are. A test may look for them where they must not be, e.g. in
   * what a program logs.
   *
   * @since 0.1.0
   * @category constants
   */
  secrets
} from "./internal/testing/memory/secrets.js"

export {
  /**
   * A run or a command without a scripted answer. It is a defect of the test and so is no typed error of the program: the call dies
   * with it. Where a program hides that, the end of the layer dies with it, unless `takeUnscripted` has taken it.
   *
   * @since 0.1.0
   * @category errors
   */
  UnscriptedError
} from "./internal/testing/memory/unscripted.js"

export type {
  /**
   * A copy between a context and a directory of a session.
   *
   * @since 0.1.0
   * @category models
   */
  ContextCopy,
  /**
   * How a copy ends. `Silent`: the server never says.
   *
   * @since 0.1.0
   * @category models
   */
  ContextCopyOutcome
} from "./internal/testing/memory/contexts.js"

export type {
  /**
   * The files of a session, as a test reads and writes them.
   *
   * @since 0.1.0
   * @category models
   */
  Files
} from "./internal/testing/memory/files.js"

export type {
  /**
   * Options of the backend in memory.
   *
   * @since 0.1.0
   * @category models
   */
  Options
} from "./internal/testing/memory/options.js"

export type {
  /**
   * Whether a session runs, was deleted, or ended because nobody used it.
   *
   * @since 0.1.0
   * @category models
   */
  SessionStatus,
  /**
   * A session that was created, whether it still runs or not.
   *
   * @since 0.1.0
   * @category models
   */
  TestSession
} from "./internal/testing/memory/sessions.js"

/**
 * Tag of the backend in memory, which `layer` provides.
 *
 * @since 0.1.0
 * @category tags
 */
export class AgbTest extends Context.Tag("@effect-agb/core/AgbTest")<AgbTest, AgbTest.Service>() {}

/**
 * Types of the backend in memory.
 *
 * @since 0.1.0
 * @category models
 */
export declare namespace AgbTest {
  /**
   * What a test sees of the backend.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * What happened, in order. That a session was idle for too long is noticed at the next request of any, and when `sessions` is
     * read.
     */
    readonly ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>
    /** The sessions that were created, in order, with their files: also those that have ended. */
    readonly sessions: Effect.Effect<ReadonlyArray<TestSession>>
    /** The runs of code in the ledger. */
    readonly runs: Effect.Effect<ReadonlyArray<CodeRun>>
    /** The commands in the ledger. */
    readonly commands: Effect.Effect<ReadonlyArray<CommandRun>>
    /** Ends a session as if nobody had used it for too long: its next call fails with `SessionLostError`. */
    readonly expire: (sessionId: string) => Effect.Effect<void>
    /** What was asked for and is not scripted, since it was last taken. What was taken does not fail the end of the layer. */
    readonly takeUnscripted: Effect.Effect<ReadonlyArray<UnscriptedError>>
    /** The API as a function, for a server of your own in front of it. */
    readonly serve: (request: HttpRequest) => Effect.Effect<HttpReply>
    /** The network of a client, which reaches nothing but this backend. */
    readonly transport: Required<Omit<Transport.Service, "peer">>
  }
}

const tagged = <Tag extends LedgerEntry["_tag"]>(
  ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>,
  tag: Tag
): Effect.Effect<ReadonlyArray<Extract<LedgerEntry, { readonly _tag: Tag }>>> =>
  Effect.map(
    ledger,
    (entries) => entries.filter((entry): entry is Extract<LedgerEntry, { readonly _tag: Tag }> => entry._tag === tag)
  )

/**
 * Starts a backend in memory, without a client. Fails with `ConfigurationError` if an option is wrong; the end of the scope dies with
 * an `UnscriptedError` that was not taken.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<AgbTest.Service, ConfigurationError, Scope.Scope> =>
  Effect.map(Effect.flatMap(memoryOptions.parse(options), backends.make), (backend) => {
    const { expire, ledger, serve, sessions, takeUnscripted, transport } = backend
    const [runs, commands] = [tagged(ledger, "CodeRun"), tagged(ledger, "CommandRun")]
    return AgbTest.of({ ledger, sessions, runs, commands, expire, takeUnscripted, serve, transport })
  })

/**
 * Layer of a backend in memory, for tests of programs that use sessions: it stands in for `LocalAgb.layer()` and
 * `NodeAgb.layerConfig()`. Sessions live and expire by the clock of the test, have files, processes, contexts and streams, and run
 * nothing: code and commands answer what is scripted. Any other dies with an `UnscriptedError`.
 *
 * ```ts
 * import * as AgbTest from "@effect-agb/core/AgbTest"
 * import { Effect, Stream } from "effect"
 *
 * export const backend = AgbTest.layer({
 *   code: {
 *     "1 + 1": "2",
 *     "boom()": AgbTest.raises("NameError", "name 'boom' is not defined"),
 *     "slow()": Effect.delay(Effect.succeed("done"), "10 seconds"),
 *     "count()": Stream.make({ stdout: "1\n" }, { stdout: "2\n" })
 *   },
 *   command: ({ command, files }) => command === "cat a.txt" ? files.text("/home/a.txt") : undefined,
 *   files: { "/home/a.txt": "hello" }
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<AgbTest | Agb.Agb | AgbClient, ConfigurationError> =>
  Agb.layerTransport.pipe(
    Layer.provide(Layer.effect(Transport, Effect.map(AgbTest, ({ transport }) => transport))),
    Layer.provide(AgbConfig.layer({ apiKey: secrets.apiKey, ...options.config, endpoint })),
    Layer.provideMerge(Layer.scoped(AgbTest, make(options)))
  )
