#!/usr/bin/env node
/** `agb-local`: the local runtime alone, for clients in any language. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { parseArgs } from "node:util"
import type { IsolationRequest } from "./Isolation.js"
import * as LocalAgb from "./LocalAgb.js"
import { runMain } from "./NodeAgb.js"

const usage = `agb-local: the AGB wire on a loopback port, with real sandboxed processes behind it.

  --port <number>        default 0: any free port
  --isolation <level>    auto (default), namespaces, or none: runs code as you, with your rights
  --network <network>    none (default) or host: sessions share the network of this machine
  --warm <number>        sandboxes that wait ready, default 1

The key that clients must send is taken from AGB_API_KEY, or made up and printed.
`

const options = {
  port: { type: "string", default: "0" },
  isolation: { type: "string", default: "auto" },
  network: { type: "string", default: "none" },
  warm: { type: "string", default: "1" },
  help: { type: "boolean", default: false }
} as const

const oneOf = <A extends string>(name: string, value: string, allowed: ReadonlyArray<A>): A => {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new Error(`--${name} must be one of ${allowed.join(", ")}, but was ${value}`)
  return found
}

const parse = (): LocalAgb.Options | "help" => {
  const { values } = parseArgs({ options })
  if (values.help) return "help"
  return {
    port: Number(values.port),
    warm: Number(values.warm),
    isolation: oneOf<IsolationRequest>("isolation", values.isolation, ["auto", "namespaces", "none"]),
    network: oneOf<"none" | "host">("network", values.network, ["none", "host"]),
    apiKey: process.env.AGB_API_KEY
  }
}

const write = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(`${text}\n`)
  })

const serve = (given: LocalAgb.Options) =>
  Effect.gen(function*() {
    const runtime = yield* LocalAgb.make(given)
    yield* write(`AGB_ENDPOINT=${runtime.endpoint}`)
    if (given.apiKey === undefined) yield* write(`AGB_API_KEY=${Redacted.value(runtime.apiKey)}`)
    yield* write(`# isolation: ${runtime.isolation.description}`)
    yield* write(`# languages: ${runtime.languageSummary}`)
    return yield* Effect.never
  }).pipe(Effect.scoped)

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

runMain(main)
