/**
 * Contexts: named storage of the account that outlives sessions. A session that is created with `contexts` finds their content in
 * its directories and saves the directories when it ends; a program reads and writes their files without a session.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agb } from "./Agb.js"
import * as contexts from "./internal/session/contexts.js"

export type {
  /**
   * Options of `clear`.
   *
   * @since 0.1.0
   * @category models
   */
  ClearContextOptions,
  /**
   * A file or folder of a context. What the server does not report is none.
   *
   * @since 0.1.0
   * @category models
   */
  ContextEntry,
  /**
   * Options of `files`.
   *
   * @since 0.1.0
   * @category models
   */
  ContextFilesOptions,
  /**
   * A context. What the server does not report is none.
   *
   * @since 0.1.0
   * @category models
   */
  ContextInfo,
  /**
   * A context by its id, or by its name.
   *
   * @since 0.1.0
   * @category models
   */
  ContextQuery,
  /**
   * Options of `read`.
   *
   * @since 0.1.0
   * @category models
   */
  ReadContextFileOptions,
  /**
   * Options of `write`.
   *
   * @since 0.1.0
   * @category models
   */
  WriteContextFileOptions
} from "./internal/session/contexts.js"

export type {
  /**
   * What the storage says of a file that it has taken: result of `write`.
   *
   * @since 0.1.0
   * @category models
   */
  WrittenFile
} from "./internal/session/contextFiles.js"

/**
 * The contexts of an account, and their files. The content of files goes by presigned URLs, which authorize whoever knows them: no
 * error, span or log contains one.
 *
 * @since 0.1.0
 * @category models
 */
export type Contexts = contexts.Contexts

/**
 * Tag of the contexts of an account.
 *
 * @since 0.1.0
 * @category tags
 */
export const Contexts = Context.GenericTag<Contexts>("@effect-agb/core/Contexts")

/**
 * Creates the service.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Contexts, never, Agb> = Effect.map(Agb, ({ client }) => contexts.make(client))

/**
 * Layer of the service.
 *
 * @example
 * ```ts
 * import { Contexts, Session } from "@effect-agb/core"
 * import { Effect } from "effect"
 *
 * export const program = Effect.gen(function*() {
 *   const contexts = yield* Contexts.Contexts
 *   const context = yield* contexts.getOrCreate("project")
 *   yield* contexts.write(context, "/home/project/todo.txt", "buy milk")
 *   const params = { imageId: "agb-code-space-1", contexts: [{ context, path: "/home/project" }] }
 *   return yield* Session.use(params, ({ fileSystem }) => fileSystem.readFile("/home/project/todo.txt"))
 * }).pipe(Effect.provide(Contexts.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Contexts, never, Agb> = Layer.effect(Contexts, make)
