/** Parses the arguments of `agb-local`, before anything of the runtime is loaded. */
import { parseArgs } from "node:util"
import type { IsolationRequest } from "../../Isolation.js"
import type * as LocalAgb from "../../LocalAgb.js"

export const usage = `agb-local: the AGB wire on a loopback port, with real sandboxed processes behind it.

  --port <number>        default 0: any free port
  --host <address>       default 127.0.0.1: this machine alone; with another, such as 0.0.0.0, other machines reach the
                         sessions too, without TLS: a warning says so
  --allow-host <name>    a host name or address, without a port, by which clients may call the server besides its own: of
                         a container, a proxy, a forwarded port; may be given more than once
  --isolation <level>    auto (default), namespaces, landlock, or none: runs code as you, with your rights
  --network <network>    none (default); outbound: public addresses, through a proxy in the session's environment;
                         or host: sessions share the network of this machine
  --allow-private <what> a private address, range or host that outbound may reach too; may be given more than once
  --pool-size <number>   sandboxes that wait ready, default 1
  --sessions <number>    sessions at a time, default 1000
  --memory <MiB>         memory of a session, its files included, default 2048
  --workspace <MiB>      size of a session's home and of its /tmp, each, default 512
  --processes <number>   processes and threads of a session, default 512
  --output <KiB>         kept output of a call, per stream, default 1024
  --longest-call <s>     the longest timeout that a client may ask for, in seconds, default 86400
  --contexts <directory> where contexts are kept for the next start; default: they end with this one
  --log <form>           json, pretty or none: a line on stderr for each request, without keys, code and paths;
                         default pretty on a terminal, else json
  --version              prints the version
  --help                 prints this

The key that clients must send is taken from AGB_API_KEY, or made up and printed. GET /health needs none.
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
  version: { type: "boolean", default: false },
  help: { type: "boolean", default: false }
} as const

export type LogForm = "json" | "pretty" | "none"

export interface Start {
  readonly runtime: LocalAgb.Options
  readonly log: LogForm
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

/** The value in the unit of the runtime, which checks its limits. */
const times = (name: NumberName, value: string | undefined, unit: number): number | undefined => {
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

/** Throws an `Error` with a message for the user where the arguments are invalid. */
export const parse = (
  args: ReadonlyArray<string>,
  { apiKey, isTerminal }: { readonly apiKey: string | undefined; readonly isTerminal: boolean }
): Start | "help" | "version" => {
  const { values } = parseArgs({ args: [...args], options })
  if (values.help) return "help"
  if (values.version) return "version"
  const log = oneOf<LogForm>("log", values.log ?? (isTerminal ? "pretty" : "json"), ["json", "pretty", "none"])
  const numeric = (name: NumberName, unit = 1) => times(name, values[name], unit)
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
