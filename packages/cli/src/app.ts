/** The commands of `agb`. */
import * as Command from "@effect/cli/Command"
import { cp } from "./commands/cp.js"
import { doctor } from "./commands/doctor.js"
import { exec } from "./commands/exec.js"
import { forward } from "./commands/forward.js"
import { gc } from "./commands/gc.js"
import { mcp } from "./commands/mcp.js"
import { kill, logs, ps } from "./commands/processes.js"
import { run } from "./commands/run.js"
import { create, info, ls, rm } from "./commands/sessions.js"
import { sh } from "./commands/sh.js"
import { type Completable, optionsIn } from "./output/completions.js"
import { commandHelp, completableOf, optionsOf, programHelp, summaryOf } from "./output/help.js"

/** Described here, and run by `bin.ts`, which has its arguments from `agb-local`. */
const local = Command.make("local").pipe(
  Command.withDescription(
    "Runs the local runtime as a server until Ctrl-C, and prints the AGB_ENDPOINT and the AGB_API_KEY that clients need. " +
      "Options: agb local --help."
  )
)

const named = { run, exec, sh, create, ls, info, rm, gc, cp, ps, logs, kill, forward, mcp, local, doctor }

const { run: first, ...others } = named

export const agb = Command.make("agb").pipe(
  Command.withDescription("Sessions: isolated machines for code and commands, in the AGB cloud or on this machine."),
  Command.withSubcommands([first, ...Object.values(others)])
)

/** What stands after the arguments of a command. */
const rest: Readonly<Record<string, string>> = { exec: "-- <command> [arguments]", sh: "[-- <command> [arguments]]" }

const find = (name: string | undefined) =>
  name !== undefined && Object.hasOwn(named, name) ? named[name as keyof typeof named] : undefined

/** The options of a command; undefined if there is no such command. */
export const knownOptions = (name: string): ReadonlyMap<string, string> | undefined => {
  const command = find(name)
  return command === undefined ? undefined : new Map([...optionsOf(command), ["--version", ""]])
}

/** Whether it runs what stands after `--`. */
export const takesCommand = (name: string): boolean => Object.hasOwn(rest, name)

/** The commands, as they are completed. `localUsage` is the help of `agb local`, which is described elsewhere. */
export const completable = (localUsage: string): ReadonlyArray<Completable> =>
  Object.entries(named).map(([name, command]) => ({
    name,
    text: summaryOf(command),
    options: name === "local" ? optionsIn(localUsage) : completableOf(command),
    takesFiles: name === "run" || name === "cp" || takesCommand(name)
  }))

/** Of a command, or of the program. */
export const helpOf = (name: string | undefined): string => {
  const command = find(name)
  return name === undefined || command === undefined
    ? programHelp(Object.entries(named))
    : commandHelp(name, command, rest[name] ?? "")
}
