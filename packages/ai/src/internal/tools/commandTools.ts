/** shell and search. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { plain } from "./bounded.js"
import { defaultTimeouts, type Parameters } from "./definitions.js"
import { boundOutput, type Environment, timeLimit, workingDirectory } from "./environment.js"
import { problem, settle } from "./failures.js"
import type { SearchResult, ShellResult } from "./results.js"

interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Each stream has half of the room, and what the other leaves of its half. */
const describe = (environment: Environment, { exitCode, stderr, stdout }: Ended, error?: string) =>
  Effect.gen(function*() {
    const half = Math.floor(environment.maxCharacters / 2)
    const room = (other: string) => environment.maxCharacters - Math.min(half, other.length)
    return {
      exit_code: exitCode,
      stdout: yield* boundOutput(environment, stdout, room(stderr)),
      stderr: yield* boundOutput(environment, stderr, room(stdout)),
      ...error === undefined ? {} : { error }
    } satisfies ShellResult
  })

const shell =
  (environment: Environment) =>
  ({ command, timeout_seconds = defaultTimeouts.shell, working_directory }: Parameters<"shell">) =>
    Effect.gen(function*() {
      const timeout = yield* timeLimit("shell", timeout_seconds)
      const cwd = yield* workingDirectory(environment, working_directory)
      return yield* describe(environment, yield* environment.command.executeCommand(command, { timeout, cwd }))
    }).pipe(
      Effect.catchTags({
        CommandExitError: (error) => describe(environment, error),
        ExecutionTimeoutError: (error) => describe(environment, { ...error, exitCode: null }, error.message),
        ExecutionUnknownError: (error) => describe(environment, { ...error, exitCode: null }, error.message)
      }),
      settle
    )

/** Matches of minified files would hide all others. */
const searchCommand = [
  `grep -rnIE --exclude-dir=.git --exclude-dir=node_modules "--include=$AGB_GLOB" -e "$AGB_PATTERN" -- "$AGB_PATH"`,
  "cut -c 1-400",
  "head -c 200000"
].join(" | ")

const cutMatches = (environment: Environment, matches: string): SearchResult => {
  const max = environment.maxCharacters
  if (matches.length <= max) return { matches }
  const end = matches.lastIndexOf("\n", max)
  const shown = matches.slice(0, end === -1 ? max : end)
  const omitted = matches.slice(shown.length).split("\n").length - 1
  return {
    matches: shown,
    note: `${Math.max(1, omitted)} or more further lines are left out: search for something narrower`
  }
}

const contents = (environment: Environment, path: string, pattern: string, glob: string) =>
  environment.command.executeCommand(searchCommand, {
    timeout: Duration.seconds(60),
    envs: { AGB_GLOB: glob, AGB_PATTERN: pattern, AGB_PATH: path }
  }).pipe(
    Effect.map(({ stderr, stdout }) =>
      stdout === "" && stderr !== ""
        ? problem("ToolFailed", plain(stderr))
        : cutMatches(environment, plain(stdout))
    )
  )

const names = (environment: Environment, path: string, glob: string) =>
  environment.files.searchFiles(path, glob, { excludePatterns: [".git", "node_modules"] }).pipe(
    Effect.map((paths) => cutMatches(environment, plain(paths.join("\n"))))
  )

const search = (environment: Environment) => ({ glob, path, pattern }: Parameters<"search">) => {
  if (pattern === undefined || pattern === "") {
    return glob === undefined
      ? Effect.succeed(problem("InvalidArgument", "search: give a pattern, a glob, or both"))
      : settle(Effect.flatMap(environment.resolve(path), (absolute) => names(environment, absolute, glob)))
  }
  return glob?.includes("/") === true
    ? Effect.succeed(
      problem("InvalidArgument", "search: with a pattern, glob must be a pattern of file names without a slash")
    )
    : settle(
      Effect.flatMap(environment.resolve(path), (absolute) => contents(environment, absolute, pattern, glob ?? "*"))
    )
}

export const make = (environment: Environment) => ({ shell: shell(environment), search: search(environment) })
