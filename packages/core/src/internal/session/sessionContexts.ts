/** The contexts of one session: how far they are synchronized, and synchronizations that are confirmed. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SyncItem } from "../../AgbApi.js"
import type { AgbClient, CallOptions } from "../../AgbClient.js"
import { type ClientError, ContextError, InvalidRequestError } from "../../AgbError.js"
import { describe } from "../client/checks/issues.js"
import * as optionObjects from "../client/checks/options.js"
import * as timeouts from "../client/checks/timeouts.js"
import type { RetrySafety } from "../wire/endpoints/endpoint.js"
import type { PersistenceData } from "../wire/persistence.js"
import { type ContextRef, idOf } from "./contextRef.js"

/** `upload` copies from the session into the context, `download` from the context into the session. */
export type SyncMode = "upload" | "download"

/** The last synchronization of a directory in one direction. What the server does not report is none. */
export interface ContextSync {
  readonly contextId: string
  /** The directory in the session. */
  readonly path: string
  /** `upload` or `download`; servers may report others. */
  readonly mode: SyncMode | (string & {})
  /** `Success` and `Failed` are final. */
  readonly status: "Success" | "Failed" | (string & {})
  readonly errorMessage: Option.Option<string>
  readonly startedAt: Option.Option<Date>
  readonly finishedAt: Option.Option<Date>
}

/** Options of `sync`. */
export interface SyncOptions {
  /** Default: `upload`. */
  readonly mode?: SyncMode | undefined
  /** Only this context, in the directory `path`. Default: all contexts of the session. */
  readonly context?: ContextRef | undefined
  /** The directory of `context` in the session: both or neither. */
  readonly path?: string | undefined
  /** How long to wait for the end. Default: 5 minutes. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** The contexts of a session. */
export interface SessionContexts {
  /** The last synchronization of each directory in each direction. */
  readonly info: Effect.Effect<ReadonlyArray<ContextSync>, ClientError>
  /**
   * Synchronizes contexts and waits for the end; returns what was done. What the server reports as failed or does not confirm in
   * time is a `ContextError`. Nothing to synchronize is an empty success.
   */
  readonly sync: (options?: SyncOptions) => Effect.Effect<ReadonlyArray<ContextSync>, ClientError>
}

type Call = <A>(
  name: string,
  retrySafety: RetrySafety,
  effect: (options: CallOptions) => Effect.Effect<A, ClientError>
) => Effect.Effect<A, ClientError>

/** A session, and how its calls are made. */
export interface Subject {
  readonly client: AgbClient.Service
  readonly sessionId: string
  readonly call: Call
  /** The directories that were mapped when the session was created, if this program knows. */
  readonly mounts: ReadonlyArray<PersistenceData> | undefined
}

interface Filter {
  readonly contextId?: string
  readonly path?: string
}

const secondsOf = (seconds: number | undefined): Option.Option<Date> =>
  seconds === undefined || !(seconds > 0) || seconds > 1e11 ? Option.none() : Option.some(new Date(seconds * 1000))

const syncOf = (
  { contextId = "", errorMessage = "", finishTime, path = "", startTime, status = "", taskType = "" }: SyncItem
): ContextSync => ({
  contextId,
  path,
  mode: taskType,
  status,
  errorMessage: errorMessage === "" ? Option.none() : Option.some(errorMessage),
  startedAt: secondsOf(startTime),
  finishedAt: secondsOf(finishTime)
})

const isDone = ({ status }: SyncItem): boolean => status === "Success" || status === "Failed"

const tidy = (path: string): string => path.split("/").filter((segment) => segment !== "" && segment !== ".").join("/")

const keyOf = ({ contextId = "", path = "" }: Filter | SyncItem): string => JSON.stringify([contextId, tidy(path)])

/** Times are in whole seconds: what starts this long after another end has another time. */
const distinctMillis = 1100

/** How often, and for how long at least, a server is asked for synchronizations that it does not list. */
const patience = { polls: 4, millis: 3000 }

/** From 100 ms up to 1.5 s. */
const pollMillis = (nth: number): number => Math.min(1500, Math.round(100 * 1.5 ** nth))

interface Wait {
  readonly operation: string
  readonly mode: SyncMode
  readonly filter: Filter
  /** What must be confirmed. */
  readonly expected: ReadonlyArray<Filter>
  /** What was listed before. The same again is no confirmation. */
  readonly before: ReadonlyArray<SyncItem>
  /** Whether one of `expected` that is not listed is a failure. */
  readonly isStrict: boolean
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

/** What is listed, as long as it is about this synchronization. */
class Progress {
  readonly #wait: Wait
  readonly #old: ReadonlyMap<string, SyncItem>
  /** What was seen at work: it is about this synchronization, whatever its times. */
  readonly #seen = new Set<string>()

  constructor(wait: Wait) {
    this.#wait = wait
    this.#old = new Map(wait.before.map((item) => [keyOf(item), item]))
  }

  /** The items that are news. */
  read(items: ReadonlyArray<SyncItem>): ReadonlyArray<SyncItem> {
    for (const item of items) if (!isDone(item)) this.#seen.add(keyOf(item))
    return items.filter((item) => this.#isNew(item))
  }

  /** What is expected and not among the news. */
  missing(news: ReadonlyArray<SyncItem>): ReadonlyArray<Filter> {
    const found = new Set(news.map(keyOf))
    return this.#wait.expected.filter((one) => !found.has(keyOf(one)))
  }

  #isNew(item: SyncItem): boolean {
    const old = this.#old.get(keyOf(item))
    return old === undefined || this.#seen.has(keyOf(item)) || old.startTime !== item.startTime ||
      old.finishTime !== item.finishTime
  }
}

const failed = (operation: string, { contextId = "", errorMessage = "", path = "" }: SyncItem) =>
  new ContextError({ operation, contextId, path, reason: "Failed", detail: errorMessage })

const unconfirmed = (operation: string, { contextId = "", path = "" }: Filter, detail: string) =>
  new ContextError({ operation, contextId, path, reason: "Unconfirmed", detail })

const itemsOf = ({ call, client, sessionId }: Subject, name: string, filter: Filter = {}) =>
  call(
    name,
    "safe",
    (options) => Effect.map(client.getContextInfo({ sessionId, ...filter }, options), ({ items }) => items)
  )

const ofMode = (items: ReadonlyArray<SyncItem>, mode: SyncMode) => items.filter(({ taskType }) => taskType === mode)

/** Polls until all that is expected is confirmed. */
const settled = (
  subject: Subject,
  name: string,
  wait: Wait
): Effect.Effect<ReadonlyArray<ContextSync>, ClientError> => {
  const { deadline, expected, filter, isStrict, mode, operation } = wait
  const progress = new Progress(wait)
  const poll = (nth: number, since: number): Effect.Effect<ReadonlyArray<ContextSync>, ClientError> =>
    Effect.gen(function*() {
      const news = progress.read(ofMode(yield* itemsOf(subject, name, filter), mode))
      const missing = progress.missing(news)
      const now = yield* Clock.currentTimeMillis
      const isPatient = nth < patience.polls || now - since < patience.millis
      const isComplete = missing.length === 0 && (expected.length > 0 || news.length > 0)
      if (news.every(isDone) && (isComplete || !isPatient && !(isStrict && missing.length > 0))) {
        const failure = news.find(({ status }) => status === "Failed")
        return failure === undefined ? news.map(syncOf) : yield* failed(operation, failure)
      }
      const delay = pollMillis(nth)
      if (now + delay > deadline) {
        const open = news.find((item) => !isDone(item))
        return yield* unconfirmed(
          operation,
          open ?? missing[0] ?? {},
          open === undefined ? "the server does not list it" : `its last status was ${open.status ?? "not reported"}`
        )
      }
      yield* Effect.sleep(delay)
      return yield* poll(nth + 1, since)
    })
  return Effect.flatMap(Clock.currentTimeMillis, (now) => poll(0, now))
}

/** What was listed before, once nothing of it is at work any more and its times lie in the past. */
const quiet = (subject: Subject, name: string, filter: Filter, mode: SyncMode, deadline: number, operation: string) => {
  const poll = (nth: number): Effect.Effect<ReadonlyArray<SyncItem>, ClientError> =>
    Effect.gen(function*() {
      const items = ofMode(yield* itemsOf(subject, name, filter), mode)
      const open = items.find((item) => !isDone(item))
      if (open === undefined) {
        if (items.length > 0) yield* Effect.sleep(distinctMillis)
        return items
      }
      const delay = pollMillis(nth)
      if ((yield* Clock.currentTimeMillis) + delay > deadline) {
        return yield* unconfirmed(operation, open, "another synchronization has not ended")
      }
      yield* Effect.sleep(delay)
      return yield* poll(nth + 1)
    })
  return poll(0)
}

const filterOf = (operation: string, context: ContextRef | undefined, path: string | undefined) =>
  Effect.gen(function*() {
    if (context === undefined && path === undefined) return {}
    const contextId = yield* idOf(operation, context)
    if (typeof path !== "string" || !path.startsWith("/") || path.includes("\0")) {
      const given = describe(path, "path")
      return yield* new InvalidRequestError({
        operation,
        field: "path",
        given,
        expected: "an absolute path without NUL"
      })
    }
    return { contextId, path }
  })

/**
 * What a synchronization of all contexts is about. Of a session of another program that is what the server has listed before, but for
 * the session's own context for transfers, which is synchronized by each transfer alone.
 */
const mappedOf = ({ call, client, mounts, sessionId }: Subject, name: string, listed: ReadonlyArray<SyncItem>) => {
  if (mounts !== undefined || listed.length === 0) return Effect.succeed<ReadonlyArray<Filter>>(mounts ?? [])
  const own = call(
    name,
    "idempotent",
    (options) => client.getAndLoadInternalContext({ sessionId, contextTypes: ["file_transfer"] }, options)
  )
  return own.pipe(
    // A server that has none.
    Effect.catchTag("RequestRejectedError", () => Effect.succeed([])),
    Effect.map((internal) => listed.filter((item) => !internal.some(({ contextId }) => contextId === item.contextId)))
  )
}

const isMode = (mode: unknown): mode is SyncMode => mode === "upload" || mode === "download"

const sync = (subject: Subject): SessionContexts["sync"] => (given) =>
  Effect.gen(function*() {
    const operation = "Session.contexts.sync"
    const name = "contexts.sync"
    const options = yield* optionObjects.check(operation, given, ["mode", "context", "path", "timeout"])
    const { mode = "upload" } = options
    if (!isMode(mode)) {
      const expected = "upload or download"
      return yield* new InvalidRequestError({ operation, field: "mode", given: describe(mode, "mode"), expected })
    }
    const filter: Filter = yield* filterOf(operation, options.context, options.path)
    const timeout = yield* timeouts.parse(operation, options.timeout ?? "5 minutes")
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(timeout)
    const before = yield* quiet(subject, name, filter, mode, deadline, operation)
    yield* subject.call(
      name,
      "unsafe",
      (options) => subject.client.syncContext({ sessionId: subject.sessionId, mode, ...filter }, options)
    )
    const expected = filter.contextId === undefined ? yield* mappedOf(subject, name, before) : [filter]
    return yield* settled(subject, name, { operation, mode, filter, expected, before, isStrict: true, deadline })
  })

const maxDownload = Duration.minutes(5)

/** Waits until the content of the contexts has arrived in a new session. What a server does not list is taken as empty. */
export const downloaded = (subject: Subject): Effect.Effect<void, ClientError> => {
  const operation = "Session.make"
  const expected = (subject.mounts ?? []).filter(({ policy }) => policy?.downloadPolicy.autoDownload !== false)
  if (expected.length === 0) return Effect.void
  return Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.asVoid(settled(subject, "contexts.info", {
      operation,
      mode: "download",
      filter: {},
      expected,
      before: [],
      isStrict: false,
      deadline: now + Duration.toMillis(maxDownload)
    })))
}

export const make = (subject: Subject): SessionContexts => ({
  info: Effect.map(itemsOf(subject, "contexts.info"), (items) => items.map(syncOf)),
  sync: sync(subject)
})
