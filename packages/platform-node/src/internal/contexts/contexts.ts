/**
 * Contexts in the local runtime: storage on this machine's disk that outlives sessions, presigned URLs to its files, and
 * copies to and from sessions.
 */
import type { PersistenceData } from "@effect-agb/core/AgbApi"
import { ConfigurationError } from "@effect-agb/core/AgbError"
import type { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { hostDirectory, sweepDirectories } from "../sandbox/disk/ownedDirectory.js"
import type { Route } from "../server/http/exchange.js"
import type { ContextHandlers } from "../server/sessions/handlers.js"
import type { LocalSession } from "../server/sessions/localSession.js"
import * as handlers from "./contextHandlers.js"
import * as fileRoute from "./fileRoute.js"
import * as signedUrls from "./signedUrls.js"
import { type ContextLimits, ContextStore } from "./store/contextStore.js"
import { lockDirectory } from "./store/directoryLock.js"
import { onDisk } from "./store/storageFailure.js"
import { checkOverlaps } from "./sync/overlaps.js"
import { SessionContexts } from "./sync/sessionContexts.js"

export interface Contexts {
  readonly handlers: ContextHandlers
  /** Serves presigned URLs. */
  readonly route: Route
  /** Whether a session can have these mappings. */
  readonly check: (list: ReadonlyArray<PersistenceData>) => Effect.Effect<void, ApiError>
  /** Maps directories of a new session to contexts. */
  readonly attach: (session: LocalSession, list: ReadonlyArray<PersistenceData>) => Effect.Effect<void>
}

export interface ContextsOptions {
  /** Where contexts are stored; without it they are removed with the scope. */
  readonly directory: string | undefined
  readonly limits: ContextLimits
  readonly origin: Effect.Effect<string>
  readonly sessions: handlers.Sessions
  readonly now?: () => number
}

const prefix = "agb-contexts-"

const maxConcurrentCopies = 8

const unusable = (why: string) =>
  new ConfigurationError({ field: "contextsDirectory", expected: `a directory that can be written (${why})` })

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** Removes the contexts of runtimes that were killed and have not been given a directory. */
export const sweepContexts: Effect.Effect<void> = sweepDirectories(prefix)

const ownDirectory = Effect.zipRight(
  sweepContexts,
  Effect.mapError(hostDirectory(prefix), ({ reason }) => unusable(reason))
)

const givenDirectory = (path: string) =>
  Effect.gen(function*() {
    if (path.trim() === "") return yield* unusable("it has no name")
    const directory = Path.resolve(path)
    yield* Effect.try({
      try: () => Fs.mkdirSync(directory, { recursive: true, mode: 0o700 }),
      catch: (error) => unusable(messageOf(error))
    })
    yield* lockDirectory(directory)
    return directory
  })

const openStore = ({ directory, limits, now = Date.now }: ContextsOptions) =>
  Effect.gen(function*() {
    const isDurable = directory !== undefined
    const path = yield* (directory === undefined ? ownDirectory : givenDirectory(directory))
    return yield* Effect.tryPromise({
      try: () => ContextStore.open({ directory: path, isDurable, limits, now }),
      catch: (error) => unusable(messageOf(error))
    })
  })

export const make = (options: ContextsOptions): Effect.Effect<Contexts, ConfigurationError, Scope.Scope> =>
  Effect.gen(function*() {
    const store = yield* openStore(options)
    const permits = yield* Effect.makeSemaphore(maxConcurrentCopies)
    const urls = signedUrls.make()
    const known = new WeakMap<LocalSession, SessionContexts>()

    const contextsOf = (session: LocalSession): SessionContexts => {
      const found = known.get(session) ??
        new SessionContexts({ session, store, permits, now: options.now ?? Date.now })
      known.set(session, found)
      return found
    }

    yield* Effect.forkScoped(
      Effect.schedule(Effect.ignoreLogged(onDisk(() => store.removeExpired())), Schedule.spaced("10 minutes"))
    )
    return {
      handlers: handlers.make({ store, urls, origin: options.origin, sessions: options.sessions, contextsOf }),
      route: fileRoute.make(store, urls),
      check: checkOverlaps,
      attach: (session, list) => contextsOf(session).attach(list)
    }
  })
