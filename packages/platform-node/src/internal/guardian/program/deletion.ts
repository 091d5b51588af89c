/** Deletes the sessions of one account. It is loaded when there is something to delete, so that a guardian that waits is small. */
import { Agb, layerTransport } from "@effect-agb/core/Agb"
import { layer as layerConfig } from "@effect-agb/core/AgbConfig"
import type { ClientError } from "@effect-agb/core/AgbError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as transport from "../../node/transport.js"
import type { Account, Kind } from "../messages.js"
import type { Ids } from "./ledger.js"

const attemptLabel = "effect-agb-attempt"
const lifetimeLabel = "effect-agb-lifetime"

/** A server may still be at work on a create for 20 seconds, see the supervisor of creates. */
const window = 20_000
const looks = [0, 500, 1000, 2000, 4000, 4000, 4000, 5000]

/** Pages of a list that a proxy does not filter. */
const maxPages = 10

export interface Task {
  readonly account: Account
  readonly ids: Ids
  /** The program has ended before: a session of lifetime `detached` may have been handed out. */
  readonly isInherited: boolean
  /** How long what fails is repeated, in milliseconds. */
  readonly patience: number
  readonly onSettled: (kind: Kind, id: string) => void
}

const inParallel = { concurrency: "unbounded", discard: true } as const

/** The id is invalid, or the key was rejected. 403 may come from a firewall instead. */
const isFinal = (error: ClientError): boolean =>
  error._tag === "InvalidRequestError" || error._tag === "AuthenticationError" && error.status !== 403

const removeSession = (sessionId: string): Effect.Effect<void, ClientError, Agb> =>
  Effect.retry(Effect.flatMap(Agb, (agb) => agb.delete(sessionId)), {
    while: (error) => !isFinal(error),
    schedule: Schedule.spaced("1 second")
  })

/** The sessions of an attempt, proved by their labels. */
const find = (label: string, isInherited: boolean) =>
  Effect.gen(function*() {
    const { client } = yield* Agb
    const found: Array<string> = []
    let nextToken = ""
    for (let page = 0; page < maxPages && found.length === 0; page++) {
      const list = yield* client.listSession({
        labels: { [attemptLabel]: label },
        maxResults: 10,
        ...(nextToken === "" ? {} : { nextToken })
      })
      for (const { sessionId } of list.sessions) {
        const labels = yield* Effect.catchTag(
          client.getLabel({ sessionId }),
          "SessionLostError",
          () => Effect.succeed<Readonly<Record<string, string>>>({})
        )
        const isHandedOut = isInherited && labels[lifetimeLabel] === "detached"
        if (labels[attemptLabel] === label && !isHandedOut) found.push(sessionId)
      }
      nextToken = list.nextToken ?? ""
      if (nextToken === "") break
    }
    return found
  })

/** From half a second to four: many attempts may be looked for. */
const pauses = Schedule.union(Schedule.exponential("500 millis"), Schedule.spaced("4 seconds"))

/** Looks for an attempt until something is found and deleted, or the server can no longer be at work on it. */
const removeAttempt = (label: string, isInherited: boolean): Effect.Effect<void, ClientError, Agb> =>
  Effect.gen(function*() {
    const since = yield* Clock.currentTimeMillis
    const look = Effect.retry(Effect.zip(Clock.currentTimeMillis, find(label, isInherited)), {
      while: (error) => !isFinal(error),
      schedule: pauses
    })
    for (const delay of looks) {
      yield* Effect.sleep(delay)
      const [lookedAt, found] = yield* look
      if (found.length > 0) return yield* Effect.forEach(found, removeSession, inParallel)
      // A look that failed for long takes the place of later ones.
      if (lookedAt - since >= window) return
    }
  })

/** Calls `onSettled` for each that is deleted, and ends when all are, or when it has lost patience. */
export const run = ({ account, ids, isInherited, onSettled, patience }: Task): Promise<void> => {
  const settle = (kind: Kind, removal: (id: string) => Effect.Effect<void, ClientError, Agb>) =>
    Effect.forEach([...ids[kind]], (id) =>
      removal(id).pipe(
        Effect.timeoutOption(patience),
        Effect.map((done) => Option.isSome(done) ? onSettled(kind, id) : undefined),
        Effect.ignore
      ), inParallel)
  const { apiKey, deleteBudget, endpoint, maxResponseBytes, timeout } = account
  const config = layerConfig({
    apiKey,
    endpoint,
    maxResponseBytes,
    timeout: Duration.millis(timeout),
    deleteBudget: Duration.millis(deleteBudget)
  })
  return Effect.all(
    [settle("session", removeSession), settle("attempt", (label) => removeAttempt(label, isInherited))],
    inParallel
  )
    .pipe(
      Effect.provide(layerTransport.pipe(Layer.provide(transport.layer), Layer.provide(config))),
      // Standard output is for messages.
      Effect.provide(Logger.remove(Logger.defaultLogger)),
      Effect.ignore,
      Effect.runPromise
    )
}
