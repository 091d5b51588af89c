/** Recording and replaying any backend: what `AgbTest` exports of it. */
import * as PlatformFileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Agb from "../../Agb.js"
import type { AgbClient } from "../../AgbClient.js"
import * as AgbConfig from "../../AgbConfig.js"
import type { ConfigurationError } from "../../AgbError.js"
import { Interceptor, Transport } from "../client/transport/exchange.js"
import { replayOrigin } from "./cassette/aliases.js"
import { Cassette, type CassetteEntry, CassetteError, type ReplayMissError } from "./cassette/model.js"
import { Player } from "./cassette/player.js"
import { Recorder } from "./cassette/recorder.js"

export * from "./cassette/model.js"

const CassetteText = Schema.parseJson(Cassette, { space: 2 })

/**
 * The text of a cassette: JSON, in which the same program on the same backend has the same text.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const encodeCassette = (cassette: Cassette): string => `${Schema.encodeSync(CassetteText)(cassette)}\n`

/**
 * Reads the text of a cassette. `path` is only for the error.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const decodeCassette = (text: string, path = ""): Effect.Effect<Cassette, CassetteError> =>
  Effect.mapError(
    Effect.suspend(() => ParseResult.decodeUnknown(CassetteText)(text)),
    (issue) => new CassetteError({ path, detail: `is none: ${ParseResult.TreeFormatter.formatIssueSync(issue)}` })
  )

/**
 * Layer that records what goes between the SDK and any backend, which it reaches by `Layer.provide`. The end of the layer saves the
 * cassette, after the sessions were deleted; it dies if that fails. No key, token, signed URL or login of a session is in it. What
 * code prints and files contain is: record with data that you would show. Where faults are around the backend too, their answers are
 * recorded.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const record = <E, R>(
  save: (cassette: Cassette) => Effect.Effect<unknown, E, R>
): Layer.Layer<Interceptor, never, R> =>
  Layer.scoped(
    Interceptor,
    Effect.gen(function*() {
      const recorder = new Recorder()
      const inner = Option.getOrElse(yield* Effect.serviceOption(Interceptor), () => (own: Transport.Service) => own)
      yield* Effect.addFinalizer(() => Effect.orDie(Effect.suspend(() => save(recorder.cassette))))
      return (own) => recorder.intercept(inner(own))
    })
  )

/**
 * Layer that records into a file, see `record`.
 *
 * ```ts
 * import * as AgbTest from "@effect-agb/core/AgbTest"
 * import { LocalAgb } from "@effect-agb/platform-node"
 * import { Layer } from "effect"
 *
 * export const recording = LocalAgb.layer().pipe(Layer.provide(AgbTest.recordFile("report.json")))
 * ```
 *
 * @since 0.1.0
 * @category cassettes
 */
export const recordFile = (path: string): Layer.Layer<Interceptor, never, PlatformFileSystem.FileSystem> =>
  record((cassette) =>
    Effect.flatMap(PlatformFileSystem.FileSystem, (fs) => fs.writeFileString(path, encodeCassette(cassette)))
  )

/**
 * Tag of what plays a cassette, which `replay` provides.
 *
 * @since 0.1.0
 * @category cassettes
 */
export class Replay extends Context.Tag("@effect-agb/core/AgbTest/Replay")<Replay, Replay.Service>() {}

/**
 * Types of what plays a cassette.
 *
 * @since 0.1.0
 * @category cassettes
 */
export declare namespace Replay {
  /**
   * What a test sees of a replay.
   *
   * @since 0.1.0
   * @category cassettes
   */
  export interface Service {
    /** The entries that were not asked for, in order. */
    readonly unused: Effect.Effect<ReadonlyArray<CassetteEntry>>
    /** What was asked for and is not recorded, since it was last taken. What was taken does not fail the end of the layer. */
    readonly takeMisses: Effect.Effect<ReadonlyArray<ReplayMissError>>
  }
}

/**
 * Options of `replay`.
 *
 * @since 0.1.0
 * @category cassettes
 */
export interface ReplayOptions {
  /** Deadlines and retries of the client. */
  readonly config?: Omit<Partial<AgbConfig.AgbConfig.Options>, "apiKey" | "endpoint"> | undefined
}

/**
 * Layer of a backend that answers what a cassette has recorded, at once and without a network. Each request gets the first answer to an
 * equal one that was not given yet. A request without an answer dies with a `ReplayMissError`, and so does the end of the layer where
 * the program has hidden that.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const replay = (
  cassette: Cassette,
  options: ReplayOptions = {}
): Layer.Layer<Replay | Agb.Agb | AgbClient, ConfigurationError> =>
  Layer.unwrapScoped(Effect.gen(function*() {
    const player = new Player(cassette, yield* FiberSet.make<unknown, unknown>())
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(player.takeMisses, ([first]) => first === undefined ? Effect.void : Effect.die(first))
    )
    return Agb.layerTransport.pipe(
      Layer.provide(Layer.succeed(Transport, player.transport)),
      Layer.provide(AgbConfig.layer({ ...options.config, apiKey: "akm-replay", endpoint: replayOrigin })),
      Layer.merge(Layer.succeed(Replay, { unused: player.unused, takeMisses: player.takeMisses }))
    )
  }))

/**
 * Layer that replays a file, see `replay`.
 *
 * @since 0.1.0
 * @category cassettes
 */
export const replayFile = (
  path: string,
  options?: ReplayOptions
): Layer.Layer<Replay | Agb.Agb | AgbClient, ConfigurationError | CassetteError, PlatformFileSystem.FileSystem> =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const fs = yield* PlatformFileSystem.FileSystem
    const text = yield* Effect.mapError(
      fs.readFileString(path),
      ({ message }) => new CassetteError({ path, detail: `cannot be read: ${message}` })
    )
    return replay(yield* decodeCassette(text, path), options)
  }))
