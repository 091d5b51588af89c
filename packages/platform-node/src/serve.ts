/** `agb-local` once its arguments are understood: the runtime, until the process is told to end. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import type { Start } from "./internal/cli/arguments.js"
import { endWithLauncher } from "./internal/cli/launcher.js"
import { runMain } from "./internal/node/processMain.js"
import { resolveHosts } from "./internal/server/http/hosts.js"
import * as LocalAgb from "./LocalAgb.js"

const loggers = {
  json: Logger.withConsoleError(Logger.jsonLogger),
  pretty: Logger.prettyLogger({ stderr: true }),
  none: Logger.none
}

const write = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(`${text}\n`)
  })

/** What cannot start says why in a line, not in a stack trace. */
const refuse = (error: Error) =>
  Effect.sync(() => {
    process.stderr.write(`agb-local: ${error.message}\n`)
    process.exit(2)
  })

const longestEnd = 5000

/** However stuck the end is: what runs in sandboxes dies with this process. */
const endInTime = () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => setTimeout(() => process.exit(1), longestEnd).unref())
  }
}

/** A warning that does not depend on whether anything is logged. */
const warn = ({ log, runtime }: Start) =>
  Effect.flatMap(resolveHosts(runtime), ({ warning }) =>
    Effect.sync(() => {
      if (warning !== undefined && log === "none") process.stderr.write(`agb-local: ${warning}\n`)
    }))

export const serve = (start: Start): void => {
  const { log, runtime: given } = start
  const program = Effect.gen(function*() {
    yield* warn(start)
    const runtime = yield* LocalAgb.make(given)
    yield* write(`AGB_ENDPOINT=${runtime.endpoint}`)
    if (given.apiKey === undefined) yield* write(`AGB_API_KEY=${Redacted.value(runtime.apiKey)}`)
    yield* write(`# isolation: ${runtime.isolation.description}`)
    yield* write(`# languages: ${runtime.languageSummary}`)
    return yield* Effect.never
  })
  endInTime()
  endWithLauncher(process.env)
  const logged = program.pipe(
    Effect.scoped,
    Effect.provide(Logger.replace(Logger.defaultLogger, loggers[log])),
    Effect.catchAll(refuse)
  )
  runMain(logged, { disablePrettyLogger: true })
}
