/**
 * One sandbox with its agent: the primitive on which the local runtime runs code, commands and file operations. Whoever
 * owns the scope owns everything in it; when the scope ends no process, directory or listener is left.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Path from "node:path"
import type { Duplex } from "node:stream"
import type { Outbound } from "../egress/dial.js"
import { type CallError, SandboxConnection } from "./channel/connection.js"
import { serveOutbound } from "./channel/egressProxy.js"
import { type MemoryNews, memoryNews, withNews } from "./channel/oomNotice.js"
import {
  type SandboxAnswer,
  type SandboxCall,
  SandboxFailure,
  type SandboxLost,
  SandboxStartError
} from "./channel/protocol.js"
import { type SandboxEvent, streamOn } from "./channel/stream.js"
import { openTunnel } from "./channel/tunnel.js"
import { findAgent } from "./confine/agentFolder.js"
import type { Interpreters } from "./confine/interpreters.js"
import type { Isolation } from "./confine/isolation.js"
import { defaultLimits, type SandboxLimits, type SandboxNetwork } from "./confine/rootfs.js"
import type { JavaArchive } from "./languages/javaArchive.js"
import { type Place, placeFor, type Settings } from "./launchPlan.js"
import type { MemoryHold } from "./memory/memoryLimit.js"
import { startProcess } from "./process/process.js"

export interface Sandbox {
  readonly isolation: Isolation
  readonly home: string
  readonly tmp: string
  readonly workdir: string
  /**
   * Makes one call. Interrupting it ends what it runs inside. `body` is the content of a written file. A call that the
   * agent does not answer within its own time limit and 15 s more, or within two minutes, ends the sandbox.
   */
  readonly call: (call: SandboxCall, body?: Uint8Array) => Effect.Effect<SandboxAnswer, SandboxFailure | SandboxLost>
  /**
   * The same, for `shell` and `runCode`, with the output while it runs instead of in the answer; ends with one `Answer`. A
   * reader who is slower than the output holds it back once 256 KiB are waiting, and with it the program that writes.
   * Other calls go on, unless 64 MiB are waiting for all readers of this sandbox together.
   */
  readonly stream: (call: SandboxCall) => Stream.Stream<SandboxEvent, SandboxFailure | SandboxLost>
  /**
   * A connection to a port on which something inside listens. A slow one holds up nobody but itself. `onUse` is called
   * whenever something passes.
   */
  readonly tunnel: (port: number, onUse?: () => void) => Duplex
  /** Completes when the sandbox has died, for whatever reason, the end of its scope included. */
  readonly lost: Effect.Effect<SandboxLost>
  readonly isLost: Effect.Effect<boolean>
  /** Ends it at once, for example because an answer cannot be decoded. */
  readonly kill: (reason: string) => Effect.Effect<void>
}

export interface SandboxOptions {
  readonly isolation: Isolation
  readonly interpreters: Interpreters
  readonly limits?: Partial<SandboxLimits> | undefined
  readonly network?: SandboxNetwork | undefined
  /** A way out through this process, for sandboxes with namespaces and no network. */
  readonly outbound?: Outbound | undefined
  readonly javaArchive?: JavaArchive | undefined
  /** Another agent than the own one, for tests: an absolute path; its folder becomes visible inside. */
  readonly agent?: string | undefined
}

const startLimit = 10_000

/** Plain callbacks, since a caller who cannot be interrupted could not end a race either. */
const whenReady = (connection: SandboxConnection, words: () => string): Effect.Effect<void, SandboxStartError> =>
  Effect.async<void, SandboxStartError>((resume) => {
    const settle = (result: Effect.Effect<void, SandboxStartError>) => {
      clearTimeout(timer)
      resume(result)
    }
    const fail = (reason: string) =>
      settle(new SandboxStartError({ reason: [reason, words()].filter((part) => part !== "").join(": ") }))
    const timer = setTimeout(() => fail(`its agent was not ready after ${startLimit} ms`), startLimit)
    void connection.ready.then(() => settle(Effect.void))
    void connection.lost.then(({ reason }) => fail(reason))
    return Effect.sync(() => clearTimeout(timer))
  })

/** For a sandbox whose memory nobody bounds. */
const unbounded: MemoryHold = { attach: () => {}, counted: Effect.void, kills: () => 0 }

/** The connection of an agent that has introduced itself. */
const connect = (
  place: Place,
  memory: MemoryHold,
  news: MemoryNews
): Effect.Effect<SandboxConnection, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const process = yield* startProcess(place.launch, place.ending)
    const exited = process.exited.then((reason) => news() ?? reason)
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => new SandboxConnection(process.child, process.kill, exited)),
      (connection) => Effect.sync(() => connection.close("it was closed"))
    )
    memory.attach(process.child.pid, (reason) => connection.end(news() ?? reason))
    yield* whenReady(connection, process.words)
    yield* memory.counted
    return connection
  })

/** What keeps a call from being made at all. */
const objection = (call: SandboxCall, { longestCallMillis }: SandboxLimits): SandboxFailure | undefined =>
  "timeoutMs" in call && call.timeoutMs > longestCallMillis
    ? new SandboxFailure({
      code: "EINVAL",
      message: `Invalid argument: a timeout may be at most ${longestCallMillis} ms`
    })
    : undefined

const callOn = (connection: SandboxConnection, news: MemoryNews): Sandbox["call"] => (call, body) =>
  Effect.async<SandboxAnswer, CallError>((resume) => {
    const { cancel } = connection.start(call, body, {
      onEnd: (end) =>
        resume(Either.isRight(end) ? Effect.succeed(withNews(call, end.right, news).answer) : Effect.fail(end.left))
    })
    return Effect.sync(cancel)
  })

const ownAgent = Effect.suspend(() => findAgent()).pipe(
  Effect.mapError(({ message }) => new SandboxStartError({ reason: message }))
)

const build = (options: SandboxOptions): Effect.Effect<Sandbox, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const settings: Settings = {
      interpreters: options.interpreters,
      limits: { ...defaultLimits, ...options.limits },
      network: options.network ?? "none",
      outbound: options.outbound,
      javaFolder: options.javaArchive?.folder,
      agent: Path.resolve(options.agent ?? (yield* ownAgent).file)
    }
    const place = yield* placeFor(options.isolation.confinement, settings)
    const memory = yield* options.isolation.memory?.hold(settings.limits.memoryBytes, place.memoryFolders) ??
      Effect.succeed(unbounded)
    const news = memoryNews(memory.kills, settings.limits.memoryBytes)
    const connection = yield* connect(place, memory, news)
    if (options.outbound !== undefined) yield* serveOutbound(connection, options.outbound)
    const [call, stream] = [callOn(connection, news), streamOn(connection, news)]
    const refused = (call: SandboxCall) => objection(call, settings.limits)
    const note = (call: SandboxCall) => {
      if (call.op === "runCode" && call.language === "java") options.javaArchive?.want()
    }
    return {
      isolation: options.isolation,
      home: place.home,
      tmp: place.tmp,
      workdir: place.home,
      call: (given, body) => Effect.suspend(() => (note(given), refused(given) ?? call(given, body))),
      stream: (given) => Stream.suspend(() => (note(given), refused(given) ?? stream(given))),
      tunnel: (port, onUse) => openTunnel(connection, { op: "tunnel", port }, { onUse }),
      lost: Effect.promise(() => connection.lost),
      isLost: Effect.sync(() => connection.isLost),
      kill: (reason) => Effect.sync(() => connection.end(reason))
    }
  })

/**
 * Starts a sandbox and waits, ten seconds at most, until its agent is ready. A start that fails or is interrupted leaves
 * nothing behind, whatever becomes of the scope.
 */
export const make = (options: SandboxOptions): Effect.Effect<Sandbox, SandboxStartError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sandbox = yield* restore(build(options)).pipe(
        Scope.extend(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
      return sandbox
    })
  )
