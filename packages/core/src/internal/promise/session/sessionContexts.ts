/** The contexts and links of a session in the promise API. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Results from "../../../OperationResult.js"
import type { LinkProtocol, Session } from "../../session/session.js"
import type * as services from "../../session/sessionContexts.js"
import type * as sessionMetrics from "../../session/sessionMetrics.js"
import type { ContextRef } from "../../wire/persistence.js"
import * as operations from "../operation.js"
import { type Plain, plain } from "../plain.js"
import * as results from "../results.js"
import type { SessionInvoker } from "./sessionInvoker.js"

/** The last synchronization of a directory in one direction. What the server does not report is absent. */
export type ContextSync = Plain<services.ContextSync>

/** Resource usage of a session. What the server does not report is absent. */
export type SessionMetrics = Plain<sessionMetrics.SessionMetrics>

/** Options of `sync`. */
export interface SyncOptions extends operations.CallOptions {
  /** Default: `upload`. */
  readonly mode?: services.SyncMode | undefined
  /** Only this context, in the directory `path`. Default: all contexts of the session. */
  readonly context?: ContextRef | undefined
  /** The directory of `context` in the session: both or neither. */
  readonly path?: string | undefined
  /** How long to wait for the end. Default: 5 minutes. */
  readonly timeoutMs?: number | undefined
}

/** Options of `link.waitFor`. */
export interface WaitForLinkOptions extends operations.CallOptions {
  /** Default: chosen by the server. */
  readonly protocolType?: LinkProtocol | undefined
  /** How long to wait. Default: 1 minute. */
  readonly timeoutMs?: number | undefined
}

const timeOf = (timeoutMs: number | undefined) => timeoutMs === undefined ? {} : { timeout: Duration.millis(timeoutMs) }

const info = operations.make(
  "Session.contexts.info",
  {},
  results.data<ReadonlyArray<ContextSync>>(),
  ({ contexts }: Session) => Effect.map(contexts.info, (items) => items.map(plain))
)

const sync = operations.make(
  "Session.contexts.sync",
  {
    mode: Schema.optional(Schema.Literal("upload", "download")),
    context: Schema.optional(
      Schema.declare((u): u is ContextRef => Predicate.isString(u) || Predicate.isRecord(u), {
        description: "a context or its id"
      })
    ),
    path: Schema.optional(Schema.String),
    timeoutMs: Schema.optional(operations.Millis)
  },
  results.data<ReadonlyArray<ContextSync>>(),
  ({ contexts }: Session, { context, mode, path, timeoutMs }) =>
    Effect.map(contexts.sync({ context, mode, path, ...timeOf(timeoutMs) }), (items) => items.map(plain))
)

const waitFor = operations.make(
  "Session.link.waitFor",
  {
    port: Schema.Number,
    protocolType: Schema.optional(Schema.String),
    timeoutMs: Schema.optional(operations.Millis)
  },
  results.data<string>(),
  ({ link }: Session, { port, protocolType, timeoutMs }) => link.waitFor(port, { protocolType, ...timeOf(timeoutMs) })
)

export const getMetrics = operations.make(
  "Session.metrics",
  {},
  results.data<SessionMetrics>(),
  ({ metrics }: Session) => Effect.map(metrics, plain)
)

/** The contexts that persist directories of a session. */
export class SessionContexts {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /** Returns the last synchronization of each directory in each direction. */
  info(options?: operations.CallOptions): Promise<Results.OperationResult<ReadonlyArray<ContextSync>>> {
    return this.#calls.answer(info, {}, options)
  }

  /** Synchronizes contexts and waits for the end. What is not confirmed is a failure. */
  sync(options?: SyncOptions): Promise<Results.OperationResult<ReadonlyArray<ContextSync>>> {
    return this.#calls.answer(sync, {}, options)
  }
}

/** Links to the ports of a session. */
export class SessionLink {
  readonly #calls: SessionInvoker

  /** @internal */
  constructor(calls: SessionInvoker) {
    this.#calls = calls
  }

  /** Waits until something in the session listens on a TCP port; returns the public URL of that port. */
  waitFor(port: number, options?: WaitForLinkOptions): Promise<Results.OperationResult<string>> {
    return this.#calls.answer(waitFor, { port }, options)
  }
}
