/**
 * The platform's `FileSystem`, `CommandExecutor` and `Path` over a session: an Effect program that was written for
 * `@effect/platform` runs inside the session unchanged. Errors are the platform's own: `SystemError` with the reasons that Node
 * has, `BadArgument` for what cannot be asked for; the `cause` is the error of the session.
 *
 * @since 0.1.0
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as Error from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Session } from "./Session.js"

/**
 * The services of the platform over a session. One call asks the session for its working directory, where relative paths begin,
 * and for its directory of temporary files. Their implementation is imported then, so that programs without them never load it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  session: Session
): Effect.Effect<
  Context.Context<FileSystem.FileSystem | CommandExecutor.CommandExecutor | Path.Path>,
  Error.PlatformError
> =>
  Effect.flatMap(
    Effect.promise(() => import("./internal/session/platform/platform.js")),
    (platform) => platform.make(session)
  )

/**
 * Layer of the services of the platform over the session of the context. Its errors are those of the one call that asks the
 * session for its working directory.
 *
 * @example
 * ```ts
 * import { Session, SessionPlatform } from "@effect-agb/core"
 * import { Command, FileSystem } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 *
 * export const program = Effect.gen(function*() {
 *   const files = yield* FileSystem.FileSystem
 *   yield* files.writeFileString("names.txt", "c\nb\na\n")
 *   return yield* Command.lines(Command.make("sort", "names.txt"))
 * }).pipe(Effect.provide(
 *   Layer.provide(SessionPlatform.layer, Session.layer({ imageId: "agb-code-space-1" }))
 * ))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  FileSystem.FileSystem | CommandExecutor.CommandExecutor | Path.Path,
  Error.PlatformError,
  Session
> = Layer.effectContext(
  Effect.flatMap(Session, make)
)
