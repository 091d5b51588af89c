/** Watches a directory by asking what has changed since the last time. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { InvalidRequestError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as issues from "../../client/checks/issues.js"
import * as optionObjects from "../../client/checks/options.js"
import type { FileChangeEvent } from "../../wire/results/fileTexts.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import * as namePattern from "./namePattern.js"

/** The first event of a watch: every change from now on is told. */
export interface WatchReadyEvent {
  readonly eventType: "ready"
  /** The directory that is watched. */
  readonly path: string
  readonly pathType: "directory"
}

/** What a watch tells: `ready` first, then changes. */
export type WatchEvent = WatchReadyEvent | FileChangeEvent

/** Options of `watchDirectory`, all optional. */
export interface WatchDirectoryOptions {
  /** How often the session is asked. Default: 1 second. */
  readonly interval?: Duration.DurationInput | undefined
  /** Whether changes below folders of the directory are told too. Default: true. */
  readonly recursive?: boolean | undefined
  /**
   * Only changes of what matches one of these patterns by its name or, if the pattern has a slash, by its path relative to the
   * directory: `*`, `?`, and `**` for any folders. Default: all changes.
   */
  readonly include?: ReadonlyArray<string> | undefined
}

const operation = "FileSystem.watchDirectory"

const invalid = (field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: issues.describe(given, field), expected })

const checkInterval = (input: Duration.DurationInput): Effect.Effect<Duration.Duration, InvalidRequestError> =>
  Option.match(Option.filter(Duration.decodeUnknown(input), Duration.greaterThan(0)), {
    onSome: Effect.succeed,
    onNone: () => Effect.fail(invalid("interval", input, "a duration above 0"))
  })

const maxPatternLength = 1024

const isPattern = (pattern: unknown): boolean =>
  Predicate.isString(pattern) && pattern !== "" && pattern.length <= maxPatternLength

const checkPatterns = (include: unknown): Effect.Effect<void, InvalidRequestError> =>
  include === undefined || Array.isArray(include) && include.length > 0 && include.every(isPattern)
    ? Effect.void
    : Effect.fail(invalid("include", include, `an array of patterns of 1 to ${maxPatternLength} characters`))

/** Which changes are told, by the path in the session. */
const filterOf = (directory: string, { include, recursive = true }: WatchDirectoryOptions) => {
  const patterns = include?.map(namePattern.compile)
  const base = directory.replace(/\/+$/, "")
  return ({ path }: FileChangeEvent): boolean => {
    const relative = path.slice(path.startsWith(`${base}/`) ? base.length + 1 : 1)
    return (recursive || !relative.includes("/")) && (patterns?.some((matches) => matches(relative)) ?? true)
  }
}

export const watch = (
  toolCall: ToolCall,
  path: string,
  options: WatchDirectoryOptions | undefined
): Stream.Stream<WatchEvent, FileSystemError> => {
  const poll = fromTool(path)(toolCall.call(AgbTools.tools.get_file_change, { path }, { operation }))
  return Stream.unwrap(Effect.gen(function*() {
    const given = yield* optionObjects.check(operation, options, ["interval", "recursive", "include"])
    const interval = yield* checkInterval(given.interval ?? "1 second")
    yield* optionObjects.checkFlags(operation, { recursive: given.recursive ?? true })
    yield* checkPatterns(given.include)
    yield* poll
    const ready: WatchEvent = { eventType: "ready", path, pathType: "directory" }
    const changes = Stream.fromSchedule(Schedule.spaced(interval)).pipe(
      Stream.mapEffect(() => poll),
      Stream.flattenIterables,
      Stream.filter(filterOf(path, given))
    )
    return Stream.concat(Stream.succeed(ready), changes)
  }))
}
