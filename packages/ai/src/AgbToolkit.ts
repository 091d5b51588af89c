/**
 * A session as tools of a language model, for `@effect/ai`: run code, shell, files, search and processes. What goes wrong in the sandbox is a
 * result that the model reads; what goes wrong with the account is a typed error of the call.
 *
 * @since 0.1.0
 */
import type { Agb } from "@effect-agb/core/Agb"
import type { InvalidRequestError } from "@effect-agb/core/AgbError"
import type { Code } from "@effect-agb/core/Code"
import type { Command } from "@effect-agb/core/Command"
import type { Input } from "@effect-agb/core/CreateSessionParams"
import type { FileSystem } from "@effect-agb/core/FileSystem"
import * as Session from "@effect-agb/core/Session"
import { SessionPool } from "@effect-agb/core/SessionPool"
import * as Prompt from "@effect/ai/Prompt"
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as keptSession from "./internal/keptSession.js"
import { type Definitions, definitions, type Optional, type Text, type ToolName } from "./internal/tools/definitions.js"
import { AccountError } from "./internal/tools/failures.js"
import * as handlers from "./internal/tools/handlers.js"
import type { Options } from "./internal/tools/handlers.js"
import {
  type EditFileResult,
  Figure,
  type ListDirectoryResult,
  Problem,
  type ProcessResult,
  type ReadFileResult,
  type RunCodeResult,
  type SearchResult,
  type ShellResult,
  type WriteFileResult
} from "./internal/tools/results.js"

export {
  /**
   * What ends the work of a model: the account refuses, or the session is lost or cannot be reached. The failure of every tool: the union, and
   * its schema.
   *
   * @since 0.1.0
   * @category errors
   */
  AccountError
} from "./internal/tools/failures.js"

export type {
  /**
   * Options of the layers, all optional.
   *
   * @since 0.1.0
   * @category models
   */
  Options
} from "./internal/tools/handlers.js"

export {
  /**
   * The result of `edit_file`: what has changed.
   *
   * @since 0.1.0
   * @category results
   */
  EditFileResult,
  /**
   * An image. Its bytes, `data`, are in the decoded result alone: the encoded one, which models read as text, tells only of them.
   *
   * @since 0.1.0
   * @category results
   */
  Figure,
  /**
   * The result of `list_directory`. Names of directories end with a slash.
   *
   * @since 0.1.0
   * @category results
   */
  ListDirectoryResult,
  /**
   * What went wrong in the sandbox, for the model to read: a missing file, an invalid argument, a tool that failed.
   *
   * @since 0.1.0
   * @category results
   */
  Problem,
  /**
   * The result of the tools for processes: what was printed since the last call.
   *
   * @since 0.1.0
   * @category results
   */
  ProcessResult,
  /**
   * The result of `read_file`: text, or an image.
   *
   * @since 0.1.0
   * @category results
   */
  ReadFileResult,
  /**
   * The result of `run_code`. `error` is the traceback of an exception, or says that the code was stopped at its time limit.
   *
   * @since 0.1.0
   * @category results
   */
  RunCodeResult,
  /**
   * The result of `search`: lines as `path:line:text`, or paths.
   *
   * @since 0.1.0
   * @category results
   */
  SearchResult,
  /**
   * The result of `shell`, whatever the exit code. It is null where it is unknown, e.g. after the time limit, and `error` says why.
   *
   * @since 0.1.0
   * @category results
   */
  ShellResult,
  /**
   * The result of `write_file`.
   *
   * @since 0.1.0
   * @category results
   */
  WriteFileResult
} from "./internal/tools/results.js"

export type {
  /**
   * A parameter that a model may leave out, or give as null.
   *
   * @since 0.1.0
   * @category models
   */
  Optional,
  /**
   * A parameter that is a text.
   *
   * @since 0.1.0
   * @category models
   */
  Text
} from "./internal/tools/definitions.js"

/**
 * A tool of the toolkit.
 *
 * @since 0.1.0
 * @category models
 */
export type AgbTool<Name extends string, Parameters extends Schema.Struct.Fields, Success extends Schema.Schema.Any> =
  Tool.Tool<Name, {
    readonly parameters: Schema.Struct<Parameters>
    readonly success: Schema.Union<[Success, typeof Problem]>
    readonly failure: typeof AccountError
    readonly failureMode: "error"
  }>

/**
 * The tools by name.
 *
 * @since 0.1.0
 * @category models
 */
export type Tools = {
  readonly run_code: AgbTool<"run_code", {
    readonly code: Text
    readonly language: Optional<string>
    readonly timeout_seconds: Optional<number>
  }, typeof RunCodeResult>
  readonly shell: AgbTool<"shell", {
    readonly command: Text
    readonly working_directory: Optional<string>
    readonly timeout_seconds: Optional<number>
  }, typeof ShellResult>
  readonly read_file: AgbTool<"read_file", {
    readonly path: Text
    readonly start_line: Optional<number>
    readonly line_count: Optional<number>
  }, typeof ReadFileResult>
  readonly write_file: AgbTool<"write_file", {
    readonly path: Text
    readonly content: Text
  }, typeof WriteFileResult>
  readonly edit_file: AgbTool<"edit_file", {
    readonly path: Text
    readonly old_text: Text
    readonly new_text: Text
    readonly replace_all: Optional<boolean>
  }, typeof EditFileResult>
  readonly list_directory: AgbTool<"list_directory", { readonly path: Text }, typeof ListDirectoryResult>
  readonly search: AgbTool<"search", {
    readonly path: Text
    readonly pattern: Optional<string>
    readonly glob: Optional<string>
  }, typeof SearchResult>
  readonly start_process: AgbTool<"start_process", {
    readonly command: Text
    readonly working_directory: Optional<string>
  }, typeof ProcessResult>
  readonly read_process: AgbTool<"read_process", {
    readonly process_id: Text
    readonly wait_seconds: Optional<number>
    readonly wait_for: Optional<string>
  }, typeof ProcessResult>
  readonly kill_process: AgbTool<"kill_process", { readonly process_id: Text }, typeof ProcessResult>
}

type ToolOf<Name extends ToolName> = AgbTool<Name, Definitions[Name]["parameters"], Definitions[Name]["success"]>

const toolOf = <const Name extends ToolName>(name: Name): ToolOf<Name> => {
  const { description, isDestructive, isIdempotent, isReadOnly, parameters, success, title } = definitions[name]
  const tool: Tool.Any = Tool.make(name, {
    description,
    parameters,
    success: Schema.Union(success as Schema.Schema.Any, Problem),
    failure: AccountError
  })
    .annotate(Tool.Title, title)
    .annotate(Tool.Readonly, isReadOnly)
    .annotate(Tool.Destructive, isDestructive)
    .annotate(Tool.Idempotent, isIdempotent)
  return tool as ToolOf<Name>
}

/**
 * The toolkit. Its handlers are those of one of the layers.
 *
 * The names are those that models have learned from the tools of others, so that they use them well without examples: `run_code` keeps its
 * state as a notebook does, `shell` has a fresh shell for each command.
 *
 * @example
 * ```ts
 * import { AgbToolkit } from "@effect-agb/ai"
 * import { LanguageModel } from "@effect/ai"
 * import { Effect } from "effect"
 *
 * export const program = LanguageModel.generateText({
 *   prompt: "What is the standard deviation of 3, 1, 4, 1, 5, 9, 2, 6? Compute it.",
 *   toolkit: AgbToolkit.toolkit
 * }).pipe(Effect.provide(AgbToolkit.layerSession({ imageId: "agb-code-space-1" })))
 * ```
 *
 * @since 0.1.0
 * @category toolkits
 */
export const toolkit: Toolkit.Toolkit<Tools> = Toolkit.make(
  toolOf("run_code"),
  toolOf("shell"),
  toolOf("read_file"),
  toolOf("write_file"),
  toolOf("edit_file"),
  toolOf("list_directory"),
  toolOf("search"),
  toolOf("start_process"),
  toolOf("read_process"),
  toolOf("kill_process")
)

/**
 * Handlers of the tools: what the layers provide.
 *
 * @since 0.1.0
 * @category models
 */
export type Handlers = Tool.HandlersFor<Tools>

/**
 * Handlers over the services of a session. Processes that the model has started end with the layer. Fails with `InvalidRequestError` where an
 * option is invalid.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Handlers, InvalidRequestError, Code | Command | FileSystem> => toolkit.toLayer(handlers.make(options))

/**
 * Handlers over a session that is created by the first call, and deleted with the layer: a conversation without calls costs nothing. Provide it
 * once for each conversation. The services of the session are there for the program too, e.g. to write the files that the model is to read.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSession = (
  params: Input,
  options?: Options
): Layer.Layer<Handlers | Code | Command | FileSystem, InvalidRequestError, Agb> =>
  Layer.provideMerge(layer(options), keptSession.layer(Session.make(params)))

/**
 * Handlers over a session of a pool, borrowed by the first call and given back with the layer, so that variables, files and processes are there
 * from call to call. Provide it once for each conversation.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPool = (
  options?: Options
): Layer.Layer<Handlers | Code | Command | FileSystem, InvalidRequestError, SessionPool> =>
  Layer.provideMerge(layer(options), keptSession.layer(Effect.flatMap(SessionPool, ({ borrow }) => borrow)))

const isFigures = Schema.is(Schema.Struct({ figures: Schema.Array(Schema.typeSchema(Figure)) }))

/**
 * The figures among the results of a response as a message, for the next prompt: models see images in messages of the user, not in the results
 * of tools. None if there are no figures.
 *
 * @since 0.1.0
 * @category conversions
 */
export const figuresMessage = (
  parts: ReadonlyArray<{ readonly type: string; readonly result?: unknown }>
): Option.Option<Prompt.UserMessage> => {
  const figures = parts.flatMap(({ result, type }) => type === "tool-result" && isFigures(result) ? result.figures : [])
  const content = figures.flatMap(({ data, mimeType }) =>
    data === undefined ? [] : [Prompt.makePart("file", { mediaType: mimeType, data })]
  )
  return content.length === 0 ? Option.none() : Option.some(Prompt.makeMessage("user", { content }))
}
