/** The sessions of the backend: they live until they are released, or idle for too long. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as AgbApi from "../../../AgbApi.js"
import { type ApiError, sessionNotFound } from "../../../AgbServer.js"
import { withoutOwn } from "../../wire/ownLabels.js"
import * as files from "./files.js"
import { FileTree } from "./fileTree.js"
import type { LedgerEntry } from "./ledger.js"
import type { ProcessTable } from "./processTable.js"
import type { RunSocket } from "./runSocket.js"

type CallTool = (name: string, args: unknown) => Effect.Effect<AgbApi.ToolReply>

/** What runs in a session. */
export interface Machine {
  readonly callTool: CallTool
  readonly processes: ProcessTable
}

export interface MemorySession {
  readonly sessionId: string
  readonly serial: number
  readonly imageId: string
  readonly idleMillis: number
  readonly tree: FileTree
  readonly sockets: Set<RunSocket>
  labels: AgbApi.Labels
  usedAt: number
  status: SessionStatus
  /** Made when it is first used. */
  machine: Machine | undefined
}

export type SessionStatus = "Running" | "Deleted" | "Expired"

/** A session that was created, whether it still runs or not. */
export interface TestSession {
  readonly sessionId: string
  readonly imageId: string
  /** Without those of the SDK itself. */
  readonly labels: AgbApi.Labels
  readonly status: SessionStatus
  /** Its files, also after its end. */
  readonly files: files.Files
}

export interface SessionsOptions {
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** How long a released session is still `DELETING`. */
  readonly deletingMillis: number
  readonly machineOf: (session: MemorySession) => Machine
  readonly record: (entry: LedgerEntry) => void
}

export interface CreateSpec {
  readonly imageId: string
  readonly labels: AgbApi.Labels
  readonly idleSeconds: number
}

export class Sessions {
  readonly #live = new Map<string, MemorySession>()
  /** Released sessions and when they are gone. */
  readonly #leaving = new Map<string, number>()
  readonly #all: Array<MemorySession> = []
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  get live(): ReadonlyArray<MemorySession> {
    return [...this.#live.values()]
  }

  /** Those that ended as well. */
  snapshot(now: () => number): ReadonlyArray<TestSession> {
    return this.#all.map(({ imageId, labels, sessionId, status, tree }) => ({
      sessionId,
      imageId,
      labels: withoutOwn(labels),
      status,
      files: files.make(tree, now)
    }))
  }

  create({ idleSeconds, imageId, labels }: CreateSpec, now: number): MemorySession {
    const serial = this.#all.length + 1
    const sessionId = `s-${String(serial).padStart(6, "0")}`
    const tree = new FileTree()
    for (const [path, content] of Object.entries(this.#options.files)) files.write(tree, path, content, now)
    const session: MemorySession = {
      sessionId,
      serial,
      imageId,
      labels,
      idleMillis: idleSeconds * 1000,
      tree,
      sockets: new Set(),
      usedAt: now,
      status: "Running",
      machine: undefined
    }
    this.#live.set(sessionId, session)
    this.#all.push(session)
    this.#options.record({ _tag: "SessionCreated", sessionId, imageId, labels: withoutOwn(labels), at: now })
    return session
  }

  machineOf(session: MemorySession): Machine {
    return session.machine ??= this.#options.machineOf(session)
  }

  status(sessionId: string, now: number): "RUNNING" | "DELETING" | undefined {
    if (this.#live.has(sessionId)) return "RUNNING"
    return (this.#leaving.get(sessionId) ?? 0) > now ? "DELETING" : undefined
  }

  get(sessionId: string): Effect.Effect<MemorySession, ApiError> {
    const session = this.#live.get(sessionId)
    return session === undefined ? sessionNotFound(sessionId) : Effect.succeed(session)
  }

  /** Its idle time begins anew. */
  use(sessionId: string): Effect.Effect<MemorySession, ApiError> {
    return Effect.zipWith(this.get(sessionId), Clock.currentTimeMillis, (session, now) => {
      session.usedAt = now
      return session
    })
  }

  release(sessionId: string): Effect.Effect<void, ApiError> {
    return Effect.zipWith(this.get(sessionId), Clock.currentTimeMillis, (session, now) => {
      this.#leaving.set(sessionId, now + this.#options.deletingMillis)
      this.#end(session, "Deleted", now)
    })
  }

  /** Ends a session at once, as if nobody had used it. */
  expire(sessionId: string, now: number): void {
    const session = this.#live.get(sessionId)
    if (session !== undefined) this.#end(session, "Expired", now)
  }

  /** Ends the sessions that nobody has used for too long. */
  expireIdle(now: number): void {
    for (const session of this.#live.values()) {
      if (now - session.usedAt >= session.idleMillis) this.#end(session, "Expired", now)
    }
  }

  #end(session: MemorySession, status: "Deleted" | "Expired", at: number): void {
    session.status = status
    this.#live.delete(session.sessionId)
    this.#options.record({ _tag: `Session${status}`, sessionId: session.sessionId, at })
    for (const socket of [...session.sockets]) socket.lose()
    session.machine?.processes.endAll()
  }
}
