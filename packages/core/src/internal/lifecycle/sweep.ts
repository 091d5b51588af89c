/**
 * Deletes the sessions of programs that have ended without deleting them. A session is deleted only if its labels prove that
 * this SDK created it, with this API key and for the time of a program, if no other session carries the same attempt, and if
 * that program has ended or the session is older than the caller allows.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Labels } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, InvalidRequestError } from "../../AgbError.js"
import type { ProgramStatus } from "../../Program.js"
import { internalOptions } from "../client/callOptions.js"
import { describe } from "../client/checks/issues.js"
import * as optionObjects from "../client/checks/options.js"
import * as pages from "../client/pages.js"
import { lifetimeLabels, type Origin, type Stamps } from "./stamps.js"

const operation = "Agb.sweep"

/** Options of `sweep`. */
export interface SweepOptions {
  /**
   * Also deletes sessions of programs on other machines that are at least this old: your word that no program keeps a session
   * for so long. Default: these are never deleted.
   */
  readonly olderThan?: Duration.DurationInput | undefined
  /** Reports what it would delete, and deletes nothing. Default: false. */
  readonly dryRun?: boolean | undefined
}

/** A session whose program has ended, `ProgramEnded`, or which is older than `olderThan`, `TooOld`. */
export interface SweptSession {
  readonly sessionId: string
  /** By the clock of the program that created it. */
  readonly createdAt: Date
  readonly reason: "ProgramEnded" | "TooOld"
}

/**
 * A session that carries the label by which the sweep looks for sessions, and why it was kept. `ProgramRunning`: its program
 * runs on this machine. `ProgramUnknown`: its program runs, or ran, where this one cannot look, and the session is not older
 * than `olderThan`. `Unproven`: its labels do not prove that this SDK created it with this API key. `Copied`: other sessions
 * carry the same labels, and only one of them can be genuine. `Unreadable`: its labels could not be read, see `error`.
 */
export interface KeptSession {
  readonly sessionId: string
  readonly reason: "ProgramRunning" | "ProgramUnknown" | "Unproven" | "Copied" | "Unreadable"
  readonly error: Option.Option<ClientError>
}

/** What a sweep did. Each session is in one of the lists. */
export interface SweepReport {
  /** With `dryRun`: what would be deleted. */
  readonly deleted: ReadonlyArray<SweptSession>
  readonly kept: ReadonlyArray<KeptSession>
  /** Sessions that were to be deleted and could not be; they are also in `Agb.undeleted`. */
  readonly failed: ReadonlyArray<SweptSession & { readonly error: ClientError }>
}

export interface SweepServices {
  readonly client: AgbClient.Service
  readonly stamps: Stamps
  readonly statusOf: (programId: string) => Effect.Effect<ProgramStatus>
  /** Whether the session belongs to this very service. */
  readonly isOwn: (sessionId: string, attempt: string) => boolean
  readonly remove: (sessionId: string) => Effect.Effect<void, ClientError>
}

const pageSize = 50

/** Requests at a time. */
const concurrency = 16

interface Limits {
  /** In milliseconds. */
  readonly olderThan: number
  readonly dryRun: boolean
}

const parseAge = (given: Duration.DurationInput): Either.Either<number, InvalidRequestError> => {
  const duration = Duration.decodeUnknown(given)
  return Option.isSome(duration) && Duration.greaterThan(duration.value, 0) && Duration.isFinite(duration.value)
    ? Either.right(Duration.toMillis(duration.value))
    : Either.left(
      new InvalidRequestError({
        operation,
        field: "olderThan",
        given: describe(given, "olderThan"),
        expected: "a finite duration above 0"
      })
    )
}

const limitsOf = (options: SweepOptions | undefined): Either.Either<Limits, InvalidRequestError> =>
  Either.gen(function*() {
    const { dryRun = false, olderThan } = yield* optionObjects.check(operation, options, ["olderThan", "dryRun"])
    if (typeof dryRun !== "boolean") {
      const given = describe(dryRun, "dryRun")
      yield* Either.left(new InvalidRequestError({ operation, field: "dryRun", given, expected: "true or false" }))
    }
    return { olderThan: olderThan === undefined ? Infinity : yield* parseAge(olderThan), dryRun }
  })

/** A session with what its labels prove. */
type Examined =
  | { readonly _tag: "Proven"; readonly sessionId: string; readonly origin: Origin }
  | { readonly _tag: "Kept"; readonly kept: KeptSession }
  | { readonly _tag: "Gone" }

const keep = (sessionId: string, reason: KeptSession["reason"], error?: ClientError): KeptSession => ({
  sessionId,
  reason,
  error: Option.fromNullable(error)
})

const isSame = (one: Origin, other: Origin | undefined): boolean =>
  other !== undefined && one.attempt === other.attempt && one.createdAt === other.createdAt &&
  one.programId === other.programId

class Sweep {
  readonly #services: SweepServices
  readonly #limits: Limits
  readonly #deleted: Array<SweptSession> = []
  readonly #kept: Array<KeptSession> = []
  readonly #failed: Array<SweptSession & { readonly error: ClientError }> = []
  /** The status of a program is asked for once. */
  readonly #statuses = new Map<string, ProgramStatus>()

  constructor(services: SweepServices, limits: Limits) {
    this.#services = services
    this.#limits = limits
  }

  readonly run: Effect.Effect<SweepReport, ClientError> = Effect.gen(this, function*() {
    const sessionIds = yield* this.#list(new Set(), new Set(), undefined)
    const examined = yield* Effect.forEach(sessionIds, (sessionId) => this.#examine(sessionId), { concurrency })
    const proven = examined.flatMap((one) => one._tag === "Proven" ? [one] : [])
    for (const one of examined) if (one._tag === "Kept") this.#kept.push(one.kept)
    const times = new Map<string, number>()
    for (const { origin: { attempt } } of proven) times.set(attempt, (times.get(attempt) ?? 0) + 1)
    yield* Effect.forEach(proven, ({ origin, sessionId }) =>
      times.get(origin.attempt) === 1
        ? this.#judge(sessionId, origin)
        : Effect.sync(() => this.#kept.push(keep(sessionId, "Copied"))), { concurrency, discard: true })
    return { deleted: this.#deleted, kept: this.#kept, failed: this.#failed }
  })

  #list(
    found: Set<string>,
    tokens: Set<string>,
    nextToken: string | undefined
  ): Effect.Effect<ReadonlySet<string>, ClientError> {
    return Effect.gen(this, function*() {
      const page = yield* this.#services.client.listSession(
        { labels: lifetimeLabels("program"), maxResults: pageSize, ...(nextToken === undefined ? {} : { nextToken }) },
        internalOptions({ operation })
      )
      for (const { sessionId } of page.sessions) found.add(sessionId)
      const next = yield* pages.next(operation, tokens, page.nextToken)
      return Option.isNone(next) ? found : yield* this.#list(found, tokens, next.value)
    })
  }

  #labels(sessionId: string): Effect.Effect<Labels, ClientError> {
    return this.#services.client.getLabel({ sessionId }, internalOptions({ operation }))
  }

  #examine(sessionId: string): Effect.Effect<Examined> {
    return Effect.match(this.#labels(sessionId), {
      onSuccess: (labels): Examined => {
        const origin = this.#services.stamps.originOf(labels)
        return origin === undefined
          ? { _tag: "Kept", kept: keep(sessionId, "Unproven") }
          : { _tag: "Proven", sessionId, origin }
      },
      onFailure: (error): Examined =>
        error._tag === "SessionLostError"
          ? { _tag: "Gone" }
          : { _tag: "Kept", kept: keep(sessionId, "Unreadable", error) }
    })
  }

  #statusOf({ attempt, programId }: Origin, sessionId: string): Effect.Effect<ProgramStatus> {
    return Effect.suspend(() => {
      if (this.#services.isOwn(sessionId, attempt)) return Effect.succeed("running")
      if (programId === undefined) return Effect.succeed("unknown")
      const known = this.#statuses.get(programId)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.tap(this.#services.statusOf(programId), (status) =>
        Effect.sync(() => {
          this.#statuses.set(programId, status)
        }))
    })
  }

  #judge(sessionId: string, origin: Origin): Effect.Effect<void> {
    return Effect.gen(this, function*() {
      const status = yield* this.#statusOf(origin, sessionId)
      if (status === "running") return void this.#kept.push(keep(sessionId, "ProgramRunning"))
      const age = (yield* Clock.currentTimeMillis) - origin.createdAt
      if (status === "unknown" && age < this.#limits.olderThan) {
        return void this.#kept.push(keep(sessionId, "ProgramUnknown"))
      }
      const reason = status === "ended" ? "ProgramEnded" : "TooOld"
      yield* this.#delete({ sessionId, createdAt: new Date(origin.createdAt), reason }, origin)
    })
  }

  /** Its labels are read again at the last moment: the session may have been given to somebody meanwhile. */
  #delete(swept: SweptSession, origin: Origin): Effect.Effect<void> {
    const { sessionId } = swept
    if (this.#limits.dryRun) return Effect.sync(() => void this.#deleted.push(swept))
    return Effect.gen(this, function*() {
      const examined = yield* this.#examine(sessionId)
      if (examined._tag === "Gone") return
      if (examined._tag === "Kept") return void this.#kept.push(examined.kept)
      if (!isSame(origin, examined.origin)) return void this.#kept.push(keep(sessionId, "Copied"))
      yield* Effect.match(this.#services.remove(sessionId), {
        onSuccess: () => void this.#deleted.push(swept),
        onFailure: (error) => void this.#failed.push({ ...swept, error })
      })
    })
  }
}

export const run = (services: SweepServices, options?: SweepOptions): Effect.Effect<SweepReport, ClientError> =>
  Effect.flatMap(limitsOf(options), (limits) => new Sweep(services, limits).run)
