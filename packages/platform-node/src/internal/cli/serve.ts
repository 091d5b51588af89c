/** Runs the local runtime for `agb-local` until the process receives a signal. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import * as Os from "node:os"
import * as LocalAgb from "../../LocalAgb.js"
import { exitCodes, runServer } from "../node/processMain.js"
import { removeHostDirectories } from "../sandbox/disk/ownedDirectory.js"
import { resolveHosts } from "../server/http/hosts.js"
import type { Start } from "./arguments.js"
import { endWithLauncher } from "./launcher.js"
import { sweepAfterExit } from "./sweep.js"

const loggers = {
  json: Logger.withConsoleError(Logger.jsonLogger),
  pretty: Logger.prettyLogger({ stderr: true }),
  none: Logger.none
}

const write = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(`${text}\n`)
  })

/** Reports a failed start in one line, without a stack trace. */
const refuse = (name: string) => (error: Error) =>
  Effect.sync(() => {
    process.stderr.write(`${name}: ${error.message}\n`)
    process.exit(2)
  })

/** Within five seconds nothing is left. */
const shutdownLimitMs = 4000

/** After so long another process is made ready, since on a busy machine its start alone would take too long later. */
const readyToSweepMs = 1000

/**
 * Takes the processor before all others, where it may: little is left to do, and on a busy machine it would take long.
 * Linux shares the processor between sessions of processes first, so that a priority counts within one alone; what is
 * scheduled in real time goes before all of them, and so does what it starts.
 */
const goFirst = (): void => {
  try {
    Os.setPriority(Os.constants.priority.PRIORITY_HIGHEST)
  } catch {
    // Not for this user.
  }
  spawn("chrt", ["--all-tasks", "--rr", "--pid", "1", `${process.pid}`], { stdio: "ignore" }).on("error", () => {})
}

/** Exits even if the shutdown takes longer, as on a busy machine; another process then removes the rest. */
const endInTime = (program: ReadonlyArray<string> | undefined) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const end = () => {
      removeHostDirectories()
      process.exit(exitCodes[signal])
    }
    process.once(signal, () => {
      goFirst()
      if (program !== undefined) setTimeout(() => sweepAfterExit(program), readyToSweepMs).unref()
      setTimeout(end, shutdownLimitMs).unref()
    })
  }
}

/** The warning about the network is printed even if logging is off. */
const warn = ({ log, runtime }: Start, name: string) =>
  Effect.flatMap(resolveHosts(runtime), ({ warning }) =>
    Effect.sync(() => {
      if (warning !== undefined && log === "none") process.stderr.write(`${name}: ${warning}\n`)
    }))

export const serve = (start: Start, name: string, again: ReadonlyArray<string> | undefined): void => {
  const { log, runtime: given } = start
  const program = Effect.gen(function*() {
    yield* warn(start, name)
    const runtime = yield* LocalAgb.make(given)
    yield* write(`AGB_ENDPOINT=${runtime.endpoint}`)
    if (given.apiKey === undefined) yield* write(`AGB_API_KEY=${Redacted.value(runtime.apiKey)}`)
    yield* write(`# page: ${yield* runtime.pageUrl}`)
    yield* write(`# isolation: ${runtime.isolation.description}`)
    yield* write(`# languages: ${runtime.languageSummary}`)
    return yield* Effect.never
  })
  endInTime(again)
  endWithLauncher(process.env)
  const logged = program.pipe(
    Effect.scoped,
    Effect.provide(Logger.replace(Logger.defaultLogger, loggers[log])),
    Effect.catchAll(refuse(name))
  )
  runServer(logged, { disablePrettyLogger: true })
}
