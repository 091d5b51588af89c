/** Parses the arguments of `agb-local` without loading the runtime. */
import { parseArgs } from "node:util"
import type { IsolationRequest } from "../../Isolation.js"
import type * as LocalAgb from "../../LocalAgb.js"

export const usage: string = `agb-local: the AGB wire on a loopback port, with real sandboxed processes behind it.

  --port <number>        default 0: any free port
  --host <address>       address to listen on, default 127.0.0.1; any other, such as 0.0.0.0, exposes the sessions to
                         other machines, without TLS, and logs a warning
  --allow-host <name>    another host name or address, without a port, that clients may use for the server, e.g. the name
                         of a container or a proxy; repeatable
  --isolation <level>    auto (default), namespaces, landlock, or none: runs code with your own rights
  --network <network>    none (default); outbound: public addresses only, through a proxy in the session's environment;
                         or host: sessions share the network of this machine
  --allow-private <what> a private address, range or host that outbound may reach as well; repeatable
  --pool-size <number>   sandboxes started in advance, default 1
  --sessions <number>    maximum number of concurrent sessions, default 1000
  --memory <MiB>         memory of a session, its files included, default 4096
  --workspace <MiB>      size of a session's home and of its /tmp, each, default 2048
  --processes <number>   processes and threads of a session, default 512
  --output <KiB>         kept output of a call, per stream, default 1024
  --longest-call <s>     maximum timeout of a call in seconds, default 86400
  --contexts <directory> directory that keeps contexts across restarts; default: contexts are deleted at exit
  --log <format>         json, pretty or none: one line on stderr per request, without keys, code and paths;
                         default pretty on a terminal, else json
  --sweep                removes what runtimes that were killed have left behind, and exits
  --version              prints the version
  --help                 prints this help

The API key is taken from AGB_API_KEY; otherwise one is generated and printed. GET /health needs no key.
`

const options = {
  port: { type: "string", default: "0" },
  host: { type: "string" },
  "allow-host": { type: "string", multiple: true },
  isolation: { type: "string", default: "auto" },
  network: { type: "string", default: "none" },
  "allow-private": { type: "string", multiple: true },
  "pool-size": { type: "string" },
  /** The former name of `--pool-size`. */
  warm: { type: "string" },
  sessions: { type: "string" },
  memory: { type: "string" },
  workspace: { type: "string" },
  processes: { type: "string" },
  output: { type: "string" },
  "longest-call": { type: "string" },
  contexts: { type: "string" },
  log: { type: "string" },
  sweep: { type: "boolean", default: false },
  version: { type: "boolean", default: false },
  help: { type: "boolean", default: false }
} as const

export type LogFormat = "json" | "pretty" | "none"

export interface Start {
  readonly runtime: LocalAgb.Options
  readonly log: LogFormat
}

const oneOf = <A extends string>(name: string, value: string, allowed: ReadonlyArray<A>): A => {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new Error(`--${name} must be one of ${allowed.join(", ")}, but was ${value}`)
  return found
}

type NumberName =
  | "port"
  | "pool-size"
  | "warm"
  | "sessions"
  | "memory"
  | "workspace"
  | "processes"
  | "output"
  | "longest-call"

/** Parses a number and converts it to the unit of the runtime, which validates the range. */
const scaled = (name: NumberName, value: string | undefined, unit: number): number | undefined => {
  if (value === undefined) return undefined
  if (!/^\d+(\.\d+)?$/.test(value)) throw new Error(`--${name} must be a number, but was ${value}`)
  return Number(value) * unit
}

const networkOf = (network: string, allowPrivate: ReadonlyArray<string> | undefined): LocalAgb.Options["network"] => {
  const chosen = oneOf<"none" | "outbound" | "host">("network", network, ["none", "outbound", "host"])
  if (chosen === "outbound") return { outbound: { allowPrivate } }
  if (allowPrivate !== undefined) throw new Error("--allow-private needs --network outbound")
  return chosen
}

/** Throws an `Error` with a message for the user if the arguments are invalid. */
export const parse = (
  args: ReadonlyArray<string>,
  { apiKey, isTerminal }: { readonly apiKey: string | undefined; readonly isTerminal: boolean }
): Start | "help" | "sweep" | "version" => {
  const { values } = parseArgs({ args: [...args], options })
  if (values.help) return "help"
  if (values.version) return "version"
  if (values.sweep) return "sweep"
  const log = oneOf<LogFormat>("log", values.log ?? (isTerminal ? "pretty" : "json"), ["json", "pretty", "none"])
  const numeric = (name: NumberName, unit = 1) => scaled(name, values[name], unit)
  const runtime: LocalAgb.Options = {
    port: numeric("port"),
    host: values.host,
    allowedHosts: values["allow-host"],
    poolSize: numeric("pool-size") ?? numeric("warm"),
    isolation: oneOf<IsolationRequest>("isolation", values.isolation, ["auto", "namespaces", "landlock", "none"]),
    network: networkOf(values.network, values["allow-private"]),
    contextsDirectory: values.contexts,
    maxSessions: numeric("sessions"),
    limits: {
      memoryBytes: numeric("memory", 2 ** 20),
      workspaceBytes: numeric("workspace", 2 ** 20),
      processes: numeric("processes"),
      outputBytes: numeric("output", 2 ** 10),
      longestCall: numeric("longest-call", 1000)
    },
    apiKey,
    requestLogLevel: "Info"
  }
  return { log, runtime }
}
