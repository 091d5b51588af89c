#!/usr/bin/env node
/** `agb-local`: the local runtime alone, for clients in any language. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { parseArgs } from "node:util"
import type { IsolationRequest } from "./Isolation.js"
import * as LocalAgb from "./LocalAgb.js"
import { runMain } from "./NodeAgb.js"

const usage = `agb-local: the AGB wire on a loopback port, with real sandboxed processes behind it.

  --port <number>        default 0: any free port
  --isolation <level>    auto (default), namespaces, landlock, or none: runs code as you, with your rights
  --network <network>    none (default); outbound: public addresses, through a proxy in the session's environment;
                         or host: sessions share the network of this machine
  --allow-private <what> a private address, range or host that outbound may reach too; may be given more than once
  --warm <number>        sandboxes that wait ready, default 1
  --sessions <number>    sessions at a time, default 1000
  --memory <MiB>         memory of a session, its files included, default 2048
  --workspace <MiB>      size of a session's home and of its /tmp, each, default 512
  --processes <number>   processes and threads of a session, default 512
  --output <KiB>         kept output of a call, per stream, default 1024
  --longest-call <s>     the longest timeout that a client may ask for, in seconds, default 86400
  --contexts <directory> where contexts are kept for the next start; default: they end with this one
  --log <form>           json, pretty or none: a line on stderr for each request, without keys, code and paths;
                         default pretty on a terminal, else json

The key that clients must send is taken from AGB_API_KEY, or made up and printed.
`

const options = {
  port: { type: "string", default: "0" },
  isolation: { type: "string", default: "auto" },
  network: { type: "string", default: "none" },
  "allow-private": { type: "string", multiple: true },
  warm: { type: "string", default: "1" },
  sessions: { type: "string" },
  memory: { type: "string" },
  workspace: { type: "string" },
  processes: { type: "string" },
  output: { type: "string" },
  "longest-call": { type: "string" },
  contexts: { type: "string" },
  log: { type: "string", default: process.stderr.isTTY ? "pretty" : "json" },
  help: { type: "boolean", default: false }
} as const

const oneOf = <A extends string>(name: string, value: string, allowed: ReadonlyArray<A>): A => {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new Error(`--${name} must be one of ${allowed.join(", ")}, but was ${value}`)
  return found
}

/** What was given, in the units of the runtime; what is no number there is refused by the runtime itself. */
const times = (value: string | undefined, unit: number): number | undefined =>
  value === undefined ? undefined : Number(value) * unit

const networkOf = (network: string, allowPrivate: ReadonlyArray<string> | undefined): LocalAgb.Options["network"] => {
  const chosen = oneOf<"none" | "outbound" | "host">("network", network, ["none", "outbound", "host"])
  if (chosen === "outbound") return { outbound: { allowPrivate } }
  if (allowPrivate !== undefined) throw new Error("--allow-private needs --network outbound")
  return chosen
}

interface Given {
  readonly runtime: LocalAgb.Options
  readonly log: keyof typeof loggers
}

const loggers = {
  json: Logger.withConsoleError(Logger.jsonLogger),
  pretty: Logger.prettyLogger({ stderr: true }),
  none: Logger.none
}

const parse = (): Given | "help" => {
  const { values } = parseArgs({ options })
  if (values.help) return "help"
  const log = oneOf<Given["log"]>("log", values.log, ["json", "pretty", "none"])
  const runtime: LocalAgb.Options = {
    port: Number(values.port),
    poolSize: Number(values.warm),
    isolation: oneOf<IsolationRequest>("isolation", values.isolation, ["auto", "namespaces", "landlock", "none"]),
    network: networkOf(values.network, values["allow-private"]),
    contextsDirectory: values.contexts,
    maxSessions: times(values.sessions, 1),
    limits: {
      memoryBytes: times(values.memory, 2 ** 20),
      workspaceBytes: times(values.workspace, 2 ** 20),
      processes: times(values.processes, 1),
      outputBytes: times(values.output, 2 ** 10),
      longestCall: times(values["longest-call"], 1000)
    },
    apiKey: process.env.AGB_API_KEY,
    requestLogLevel: "Info"
  }
  return { log, runtime }
}

const write = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(`${text}\n`)
  })

const serve = ({ log, runtime: given }: Given) =>
  Effect.gen(function*() {
    const runtime = yield* LocalAgb.make(given)
    yield* write(`AGB_ENDPOINT=${runtime.endpoint}`)
    if (given.apiKey === undefined) yield* write(`AGB_API_KEY=${Redacted.value(runtime.apiKey)}`)
    yield* write(`# isolation: ${runtime.isolation.description}`)
    yield* write(`# languages: ${runtime.languageSummary}`)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(Logger.replace(Logger.defaultLogger, loggers[log])))

const longestEnd = 5000

/** However stuck the end is: what runs in sandboxes dies with this process. */
const endInTime = () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => setTimeout(() => process.exit(1), longestEnd).unref())
  }
}

/** What cannot start says why in a line, not in a stack trace. */
const refuse = (error: Error) =>
  Effect.sync(() => {
    process.stderr.write(`agb-local: ${error.message}\n`)
    process.exit(2)
  })

const main = Effect.try({ try: parse, catch: (error) => error instanceof Error ? error : new Error(String(error)) })
  .pipe(
    Effect.flatMap((given) => given === "help" ? write(usage) : serve(given)),
    Effect.catchAll(refuse)
  )

endInTime()
runMain(main)
