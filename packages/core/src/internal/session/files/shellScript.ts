/** POSIX shell scripts for what no file tool does. Arguments are passed literally. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { FileError, ToolError } from "../../../AgbError.js"
import type { ToolCall } from "../../../ToolCall.js"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import { visibleLines } from "../../wire/text/visibleText.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import { quote, shells } from "../shell.js"

/** Longest time of one script: servers end longer ones, or the request of them. */
const timeout = Duration.seconds(50)

/** Texts of programs are matched, so they must be in English. The aliases of a profile do not exist here. */
const prelude = `LC_ALL=C; export LC_ALL
fail() { printf '%s\\n' "$1" >&2; exit 1; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
`

const isBelowTmp = (path: string): boolean => /^\/+(?:\.\/+)*tmp(?=\/|$)/.test(path)

/** How the lines begin that `ownTmp` makes, and how they end. */
export const ownTmpBounds = { start: "[ -z \"$AGB_SANDBOX\" ] || {\n", end: "\ndone; }\n" }

/**
 * A sandbox without a root directory of its own has its own `/tmp` all the same: for the file tools, and for these scripts, it is
 * the directory that `TMPDIR` names. Changes the arguments of these numbers.
 */
const ownTmp = (numbers: ReadonlyArray<number>): string =>
  `${ownTmpBounds.start}number=0
for arg; do
number=$((number + 1)); shift
case " ${numbers.join(" ")} " in *" $number "*)
case $arg in
"$TMPDIR"|"$TMPDIR"/*|"$HOME"|"$HOME"/*) ;;
/tmp|/tmp/*) arg=$TMPDIR\${arg#/tmp} ;;
esac ;;
esac
set -- "$@" "$arg"${ownTmpBounds.end}`

/** Which arguments of a script are paths, counted from 1. */
export type Places = ReadonlyArray<number> | "all"

/** Sets the arguments of a script. */
export const argumentsOf = (args: ReadonlyArray<string>, places: Places): string => {
  const isPlace = (index: number) => places === "all" || places.includes(index + 1)
  const numbers = args.flatMap((arg, index) => isPlace(index) && isBelowTmp(arg) ? [index + 1] : [])
  const words = args.map((arg, index) => quote(numbers.includes(index + 1) ? arg.replace(/^\/+(?:\.\/+)*/, "/") : arg))
  return `set -- ${words.join(" ")}\n${numbers.length === 0 ? "" : ownTmp(numbers)}`
}

export interface Script {
  readonly operation: string
  /** The paths of the call, one of which errors name. */
  readonly paths: readonly [string, ...ReadonlyArray<string>]
  /** Its arguments are `$1`, `$2` and so on. */
  readonly text: string
  readonly args: ReadonlyArray<string>
  /** Default: the first. */
  readonly places?: Places | undefined
  readonly retrySafety: RetrySafety
}

/** Runs a script and returns its standard output. A script that fails says why in its standard error. */
export const run = (toolCall: ToolCall, script: Script): Effect.Effect<string, FileSystemError> => {
  const { args, operation, paths, places = [1], retrySafety, text } = script
  const command = `${prelude}${argumentsOf(args, places)}${text}`
  const call = { command, timeout_ms: Duration.toMillis(timeout) }
  return toolCall.call(shells[retrySafety], call, { operation, timeout }).pipe(
    Effect.flatMap(({ exit_code: exitCode, stderr, stdout }) =>
      exitCode === 0 ? Effect.succeed(stdout) : failed(script, visibleLines(stderr.trim()), exitCode)
    ),
    fromTool(...paths),
    Effect.mapError((error) => retrySafety === "safe" ? error : mayHaveHappened(error))
  )
}

const failed = ({ operation }: Script, stderr: string, exitCode: number) =>
  new ToolError({ operation, tool: "shell", detail: stderr === "" ? `the script exited with ${exitCode}` : stderr })

/** A script that failed for an unknown reason may have done a part of its work. */
const mayHaveHappened = (error: FileSystemError): FileSystemError =>
  error._tag === "FileError" && error.reason === "Other"
    ? new FileError({ ...error, mayHaveHappened: true })
    : error
