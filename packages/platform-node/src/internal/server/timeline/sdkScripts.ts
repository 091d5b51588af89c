/**
 * The scripts by which the SDK works where no tool does: they come as calls of `shell`, and are known by how they begin. A person
 * is told what they do, not how.
 */
import type { Beginning } from "./entry.js"
import { beginningOf, maxTextLength, titleOf } from "./timelineLimits.js"

const literal = (quoted: string): string => quoted.replaceAll("'\\''", "'")

const quoted = "'((?:[^']|'\\\\'')*)'"

const isProcessScript = (command: string): boolean => command.startsWith("root=${TMPDIR:-/tmp}/.agb-processes")

const keyPattern = /^root=\$\{TMPDIR:-\/tmp\}\/\.agb-processes; dir=\$root\/([^\n]{1,128})\n/

const startPattern = new RegExp(`\\n {2}printf %s ${quoted} >"\\$dir/command\\.`)

const killPattern = /\nmkdir "kill\.[^"]*"/
const signalPattern = new RegExp(`signal_group ${quoted}; fi`)

const beginning = (kind: Beginning["kind"], title: string, text = "", path: string | null = null): Beginning => ({
  kind,
  title,
  text: beginningOf(text, maxTextLength),
  language: null,
  path,
  cwd: null,
  isScript: true
})

/** Keys that the SDK has made for itself say nothing. */
const nameOf = (key: string): string => /^[\da-f]{32}$/.test(key) ? "a process" : `the process ${key}`

/** Terminals, and processes with a channel to them, are held open by a program. */
const channelPattern = /<<'agb'\n([\w+/=]+)\nagb$/

const channelTitle = (command: string): string | undefined => {
  const [, config] = channelPattern.exec(command) ?? []
  if (config === undefined) return undefined
  const [kind, , , count = "0", ...fields] = Buffer.from(config, "base64").toString().split("\0")
  const argv = fields.slice(0, Number(count))
  const what = kind === "terminal" ? "Open a terminal" : "Start"
  return `${what}: ${titleOf(argv[0] === "@shell" ? argv.slice(2).join(" ") : argv.join(" "))}`
}

const processEntry = (command: string): Beginning | undefined => {
  const key = keyPattern.exec(command)?.[1] ?? ""
  const [, started] = startPattern.exec(command) ?? []
  if (started !== undefined) {
    const text = literal(started)
    const channel = channelTitle(text)
    const begun = channel === undefined
      ? beginning("process", `Start ${nameOf(key)}: ${titleOf(text)}`, text)
      : beginning("process", channel)
    return { ...begun, startsProcess: key }
  }
  if (killPattern.test(command)) {
    const signal = signalPattern.exec(command)?.[1] ?? ""
    return beginning("process", `Send SIG${signal.replace(/^SIG/, "")} to ${nameOf(key)}`)
  }
  if (command.includes("\necho \"agb ended\"") || command.endsWith("echo \"agb ended\"")) {
    return beginning("process", `End ${nameOf(key)}`)
  }
  if (command.includes("| base64 -d | tail -c +")) return beginning("process", `Write to the input of ${nameOf(key)}`)
  // What only looks at processes, or carries what a terminal shows, comes again and again.
  return undefined
}

const isFileScript = (command: string): boolean => command.startsWith("LC_ALL=C; export LC_ALL\n")

const argsPattern = /\nset -- ((?:'(?:[^']|'\\'')*' ?)*)\n/
const oneArg = new RegExp(quoted, "g")

/** By what a script contains; the first that fits counts. What only looks at files is told by its outcome elsewhere. */
const fileTitles: ReadonlyArray<readonly [mark: string, title: string | undefined]> = [
  ["cp -R", "Copy"],
  ["base64 -d", "Write"],
  ["find .", "List"],
  ["mv -f", "Write"],
  ["/whole\"", "Write"],
  ["mkdir -p", "Create"],
  ["chmod", "Set the permissions of"],
  ["cksum", undefined],
  ["stat -L", undefined],
  ["rm -r -f", "Remove"]
]

const fileEntry = (command: string): Beginning | undefined => {
  const found = argsPattern.exec(command)
  const script = found === null ? command : command.slice(found.index + found[0].length)
  const args = [...(found?.[1] ?? "").slice(0, 4096).matchAll(oneArg)].map(([, text = ""]) => literal(text))
  const path = args.find((arg) => arg.startsWith("/")) ?? null
  const [, title] = fileTitles.find(([mark]) => script.includes(mark)) ?? ["", "Work on"]
  return title === undefined ? undefined : beginning("file", titleOf(`${title} ${path ?? "files"}`), "", path)
}

/** Programs by which the SDK holds terminals open, and writes to processes. */
const ownPrograms = [
  "import base64, fcntl, os, select, signal, struct, sys, termios, time\n",
  "import binascii, os, select, sys\n"
]

/** Whether the command line of a process is that of a program of the SDK. */
export const isOwnProgram = (commandLine: string): boolean =>
  ownPrograms.some((program) => commandLine.includes(program))

/** `undefined` if the command is no script of the SDK; `hidden` if it only looks at what has an entry already. */
export const ownScript = (command: string): Beginning | "hidden" | undefined => {
  if (isProcessScript(command)) return processEntry(command) ?? "hidden"
  return isFileScript(command) ? fileEntry(command) ?? "hidden" : undefined
}
