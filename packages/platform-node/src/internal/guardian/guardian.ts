/** The guardian as a layer: it is started with it, and ends itself after it. */
import type { AgbConfig } from "@effect-agb/core/AgbConfig"
import { ConfigurationError } from "@effect-agb/core/AgbError"
import { Guardian } from "@effect-agb/core/Guardian"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Path from "node:path"
import { Programs } from "../node/programs.js"
import { checkNames } from "../options/knownNames.js"
import { GuardianError } from "./guardianError.js"
import { GuardianProcess, type Listener } from "./guardianProcess.js"
import type { Account } from "./messages.js"

/** Options of the guardian. */
export interface GuardianOptions {
  /**
   * Directory of the journals, in which the sessions of running programs are written down, so that the next program deletes
   * what was left behind when the machine, or the guardian too, was stopped. It is created if need be, several programs may
   * share it, and it holds no key. Default: no journal.
   */
  readonly journalDirectory?: string | undefined
}

/** The directory of journals, if there is one. */
export const directoryOf = (
  options: GuardianOptions
): Effect.Effect<string | undefined, GuardianError | ConfigurationError> =>
  Effect.gen(function*() {
    yield* checkNames("", options, ["journalDirectory"])
    const { journalDirectory: directory } = options
    if (directory === undefined) return undefined
    if (typeof directory === "string" && directory.trim() !== "" && !directory.includes("\0")) {
      return yield* Effect.try({
        try: () => Path.resolve(directory),
        catch: () =>
          new GuardianError({ reason: "the working directory is gone, and journalDirectory is relative to it" })
      })
    }
    return yield* new ConfigurationError({ field: "journalDirectory", expected: "the path of a directory" })
  })

const accountOf = ({ apiKey, deleteBudget, endpoint, maxResponseBytes, timeout }: AgbConfig.Service): Account => ({
  endpoint,
  apiKey: Redacted.value(apiKey),
  timeout: Duration.toMillis(timeout),
  deleteBudget: Duration.toMillis(deleteBudget),
  maxResponseBytes
})

const listen = Effect.map(Effect.runtime<never>(), (runtime): Listener => {
  const log = (effect: Effect.Effect<void>) => void Runtime.runFork(runtime)(effect)
  return {
    onWarning: (text) => log(Effect.logError(text)),
    onSwept: (deleted, undeleted) =>
      log(
        undeleted.length === 0
          ? Effect.logInfo(`Deleted ${deleted} sessions that an earlier program had left behind`)
          : Effect.annotateLogs(
            Effect.logError(`Sessions that an earlier program had left behind could not be deleted`),
            { deleted, undeleted: undeleted.slice(0, 100).join(", ") }
          )
      )
  }
})

const start = (guardian: GuardianProcess): Effect.Effect<void, GuardianError> =>
  Effect.async((resume) => {
    guardian.start((reason) => resume(reason === undefined ? Effect.void : new GuardianError({ reason })))
  })

/** Starts a guardian. */
export const layer = (options: GuardianOptions = {}): Layer.Layer<Guardian, GuardianError | ConfigurationError> =>
  Layer.scoped(
    Guardian,
    Effect.gen(function*() {
      const directory = yield* directoryOf(options)
      const listener = yield* listen
      const program = new Programs().id ?? ""
      const guardian = yield* Effect.acquireRelease(
        Effect.sync(() => new GuardianProcess({ program, lineage: crypto.randomUUID(), directory }, listener)),
        (guardian) => Effect.sync(() => guardian.end())
      )
      yield* start(guardian)
      return {
        watch: (config) =>
          Effect.map(
            Effect.acquireRelease(
              Effect.sync(() => guardian.open(accountOf(config))),
              ({ close }) => Effect.sync(close)
            ),
            ({ watch }) => watch
          )
      }
    })
  )

/** For sessions that end with the program anyway. */
export const layerNone: Layer.Layer<Guardian> = Layer.succeed(Guardian, {
  watch: () =>
    Effect.succeed({
      addAttempt: () => {},
      removeAttempt: () => {},
      addSession: () => {},
      removeSession: () => {}
    })
})
