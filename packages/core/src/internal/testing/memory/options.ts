/** What a backend in memory is told, and whether that makes sense. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import type { AgbConfig } from "../../../AgbConfig.js"
import { ConfigurationError } from "../../../AgbError.js"
import { AbsolutePath } from "../../wire/codecs.js"
import { refuseUnknown } from "../../wire/options.js"
import type { CodeScript, CommandScript } from "./answers.js"
import type { BackendOptions } from "./backend.js"
import type { ContextCopy, ContextCopyOutcome } from "./contexts.js"

export interface Options {
  /** What code answers: by its text, or a function for all. Default: no code is scripted. */
  readonly code?: CodeScript | undefined
  /** What commands and processes answer: by their text, or a function for all. Default: none is scripted. */
  readonly command?: CommandScript | undefined
  /** The files with which every session begins, by their absolute paths. There are also the directories `/tmp` and `/home`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>> | undefined
  /** How copies between contexts and sessions end. Default: all succeed, at once. */
  readonly contextCopy?: ((copy: ContextCopy) => ContextCopyOutcome) | undefined
  /** How long a session is still there while it is being deleted. Default: 0. */
  readonly deletingFor?: Duration.DurationInput | undefined
  /**
   * Whether sessions have nothing beside the API, as those of some images: a run is streamed when it has ended, and bytes of files go
   * through tools. Default: false.
   */
  readonly apiOnly?: boolean | undefined
  /** Deadlines and retries of the client. */
  readonly config?: Omit<Partial<AgbConfig.Options>, "endpoint"> | undefined
}

const names: Readonly<Record<keyof Options, true>> = {
  code: true,
  command: true,
  files: true,
  contextCopy: true,
  deletingFor: true,
  apiOnly: true,
  config: true
}

const isPath = ParseResult.is(AbsolutePath)

const isScript = (script: unknown): boolean => typeof script === "function" || Predicate.isRecord(script)

const isContent = (content: unknown): boolean => typeof content === "string" || content instanceof Uint8Array

/** The field that is wrong, and what it must be. */
const wrong = (options: Options): readonly [field: string, expected: string] | undefined => {
  const { apiOnly = false, code = {}, command = {}, contextCopy, deletingFor = 0, files = {} } = options
  const unknown = refuseUnknown(options, Object.keys(names))
  if (unknown !== undefined) return [unknown.field, unknown.expected]
  if (!isScript(code)) return ["code", "a function, or an object of answers"]
  if (!isScript(command)) return ["command", "a function, or an object of answers"]
  if (!Predicate.isRecord(files)) return ["files", "an object of contents"]
  const file = Object.entries(files).find(([path, content]) => !isPath(path) || !isContent(content))
  if (file !== undefined) return [`files["${file[0].slice(0, 100)}"]`, "a text or bytes, at an absolute path"]
  if (contextCopy !== undefined && typeof contextCopy !== "function") return ["contextCopy", "a function"]
  if (typeof apiOnly !== "boolean") return ["apiOnly", "a boolean"]
  return Option.isNone(Duration.decodeUnknown(deletingFor)) ? ["deletingFor", "a duration"] : undefined
}

export const parse = (options: Options): Effect.Effect<BackendOptions, ConfigurationError> =>
  Effect.suspend(() => {
    const found = wrong(options)
    if (found !== undefined) return new ConfigurationError({ field: found[0], expected: found[1] })
    const { apiOnly = false, code = {}, command = {}, contextCopy, deletingFor = 0, files = {} } = options
    return Effect.succeed({
      code,
      command,
      files,
      contextCopy: contextCopy ?? (() => "Success"),
      deletingFor: Duration.decode(deletingFor),
      isApiOnly: apiOnly
    })
  })
