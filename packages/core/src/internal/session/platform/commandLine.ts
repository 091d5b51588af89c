/** Commands of the platform as the shell of a session runs them. Arguments are passed literally. */
import type * as Platform from "@effect/platform/Command"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { quote } from "../shell.js"

/** Programs and arguments; those that a shell is asked for are not quoted, as on Node. */
const wordsOf = ({ args, command, shell }: Platform.StandardCommand): ReadonlyArray<string> =>
  shell === false
    ? [command, ...args]
    : [shell === true ? "/bin/sh" : shell, "-c", [command, ...args].join(" ")]

/** As Node names it in errors, with a space also where no arguments follow. */
export const textOf = ({ args, command }: Platform.StandardCommand): string => `${command} ${args.join(" ")}`

/** By what its session finds the descendants of a process. */
const runVariable = "AGB_PROCESS_RUN"

/** `env` would take a program with "=" in its name for a variable. */
const program = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words[0]?.includes("=") === true ? ["/bin/sh", "-c", "exec \"$@\"", "sh", ...words] : words

const executed = (command: Platform.StandardCommand): string => {
  const variables = Array.from(command.env, ([name, value]) => quote(`${name}=${value}`))
  const words = program(wordsOf(command)).map(quote)
  const env = command.extendEnv ? ["env", "--"] : ["env", "-i", "--", `"${runVariable}=$${runVariable}"`]
  const exec = ["exec", ...env, ...variables, ...words].join(" ")
  return Option.match(command.cwd, { onNone: () => exec, onSome: (cwd) => `cd -- ${quote(cwd)} && ${exec}` })
}

/** All but the last run in the background, since the process ends with the last one. Nobody reads their standard error. */
const piped = (command: Platform.StandardCommand): string => {
  const errors = command.stderr === "inherit" ? "" : " 2>/dev/null"
  return `{ { ${executed(command)}; } <&3 3<&-${errors} & } 3<&0 | `
}

export const scriptOf = (commands: ReadonlyArray<Platform.StandardCommand>): string =>
  commands.map((command, index) => {
    if (index < commands.length - 1) return piped(command)
    return commands.length === 1 ? executed(command) : `{ ${executed(command)}; }`
  }).join("")

/** The path of an environment without one. */
const defaultPath = "/bin:/usr/bin"

/** What has to be there: three words for each command, the working directory, the program and where it is searched for. */
export const requirementsOf = (
  commands: ReadonlyArray<Platform.StandardCommand>,
  cwd: string
): ReadonlyArray<string> =>
  commands.flatMap((command) => [
    Option.getOrElse(command.cwd, () => cwd),
    wordsOf(command)[0] ?? "",
    Option.getOrElse(HashMap.get(command.env, "PATH"), () => command.extendEnv ? "" : defaultPath)
  ])

/** Fails with a code, what it is about, and the number of the command. */
export const checkScript = `number=0
while [ $# -gt 0 ]; do
  [ -e "$1" ] || fail "ENOENT cwd $number"
  [ -d "$1" ] || fail "ENOTDIR cwd $number"
  [ -x "$1" ] || fail "EACCES cwd $number"
  cd -- "$1" || exit 1
  case $2 in
    */*)
      [ -e "$2" ] || fail "ENOENT program $number"
      [ -f "$2" ] && [ -x "$2" ] || fail "EACCES program $number" ;;
    *)
      found= code=ENOENT path=\${3:-$PATH}
      set -f; IFS=:
      for folder in $path; do
        if [ -f "\${folder:-.}/$2" ]; then
          if [ -x "\${folder:-.}/$2" ]; then found=1; break; else code=EACCES; fi
        fi
      done
      unset IFS; set +f
      [ -n "$found" ] || fail "$code program $number" ;;
  esac
  number=$((number + 1)); shift 3
done`
