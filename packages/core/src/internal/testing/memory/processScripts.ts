/** Reads what the scripts ask for with which the SDK starts and follows processes. */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { socketTable } from "../../session/shell.js"
import type { ProcessTable } from "./processTable.js"
import type { UnscriptedError } from "./unscripted.js"

const prefix = "root=${TMPDIR:-/tmp}/.agb-processes"

const text = "'((?:[^']|'\\\\'')*)'"

const literal = (quoted: string): string => quoted.replaceAll("'\\''", "'")

const startPattern = new RegExp(
  `\\nif ! \\[ -e "\\$dir/claim" \\]; then\\n  printf %s ${text} >"\\$dir/command\\.(\\w+)"`
)

const argsPattern = new RegExp(` agb-process "\\$dir" "\\$gate" ((?:${text} ?)*) *</dev/null`)

const numbersOf = (script: string, name: string): number =>
  Number(new RegExp(`(?:^|[\\s])${name}='(-?\\d+)'`, "m").exec(script)?.[1] ?? NaN)

const hundredths = (count: number): Duration.Duration => Duration.millis(count * 10)

const untilPattern = /until=\$\(\(now \+ (\d+)\)\)/

const start = (table: ProcessTable, key: string, script: string, cwd: string) => {
  const [, command = "", run = ""] = startPattern.exec(script) ?? []
  const args = [...(argsPattern.exec(script)?.[1] ?? "").matchAll(new RegExp(text, "g"))].map(([, arg = ""]) =>
    literal(arg)
  )
  const [, seconds = "", hasStdin = "", , ...envs] = args
  return table.start({
    key,
    run,
    command: literal(command),
    cwd,
    envs: Object.fromEntries(envs.map((env) => [env.slice(0, env.indexOf("=")), env.slice(env.indexOf("=") + 1)])),
    timeout: seconds === "" ? undefined : Duration.seconds(Number(seconds)),
    hasStdin: hasStdin !== ""
  })
}

const read = (table: ProcessTable, key: string, script: string) =>
  table.read(key, {
    stdout: numbersOf(script, "stdout"),
    stderr: numbersOf(script, "stderr"),
    blocks: numbersOf(script, "blocks"),
    wait: hundredths(numbersOf(script, "wait"))
  })

const write = (table: ProcessTable, key: string, script: string) => {
  const base64 = new RegExp(`printf %s ${text} \\| base64 -d`).exec(script)?.[1] ?? ""
  const bytes = Either.getOrThrow(Encoding.decodeBase64(base64))
  return table.write(key, numbersOf(script, "offset"), bytes)
}

const portOf = (script: string): number => parseInt(/grep -q ":([0-9A-F]{4}) /.exec(script)?.[1] ?? "", 16)

const linkPrefix = `[ -r ${socketTable} ] || { echo agb missing; exit 0; }`

const waitForLink = (table: ProcessTable, script: string) =>
  table.waitForLink(portOf(script), Duration.seconds(Number(/-lt (\d+) /.exec(script)?.[1]) / 4))

const waitForPort = (table: ProcessTable, key: string, script: string) =>
  table.waitForPort(key, portOf(script), hundredths(Number(untilPattern.exec(script)?.[1])))

/** What a script about processes prints, or `undefined` for any other command. */
export const run = (
  table: ProcessTable,
  script: string,
  cwd: string
): Effect.Effect<string, UnscriptedError> | undefined => {
  if (script.startsWith(linkPrefix)) return waitForLink(table, script)
  if (!script.startsWith(prefix)) return undefined
  const key = /; dir=\$root\/(\S+)\n/.exec(script)?.[1]
  if (key === undefined) return table.list
  if (startPattern.test(script)) return start(table, key, script, cwd)
  if (script.includes("echo \"agb read $out")) return read(table, key, script)
  if (script.includes("echo \"agb killed\"")) {
    return table.kill(key, /else signal_group '(\w+)'/.exec(script)?.[1] ?? "TERM")
  }
  if (script.includes("echo \"agb ended\"")) return table.end(key, script.includes("rm -rf \"$dir\""))
  if (script.includes("echo \"agb stdin at $5\"")) return write(table, key, script)
  if (script.includes(": >stdin.end")) return table.closeStdin(key)
  return script.includes("echo \"agb port open\"") ? waitForPort(table, key, script) : table.find(key)
}
