/**
 * One sandbox with its agent: the primitive on which the local runtime runs code, commands and file operations. The scope
 * owns everything in it; when it ends, no process, directory or listener is left.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Path from "node:path"
import type { Duplex } from "node:stream"
import type { Body } from "../agentWire/frames.js"
import type { Egress } from "../egress/dial.js"
import { acquireOwned, adopt } from "../ownScope.js"
import { type CallError, SandboxConnection } from "./channel/connection.js"
import { serveEgress } from "./channel/egressProxy.js"
import * as fileStreams from "./channel/fileStreams.js"
import { type Answer, isUnparsed, parsedAnswer } from "./channel/largeAnswer.js"
import { makeOomNotice, noticeFor, type OomNotice, withNotice } from "./channel/oomNotice.js"
import {
  type FileRange,
  type FileWrite,
  type SandboxAnswer,
  type SandboxCall,
  SandboxFailure,
  type SandboxLost,
  type SandboxOutput,
  SandboxStartError
} from "./channel/protocol.js"
import { makeStream, type SandboxEvent } from "./channel/stream.js"
import { openTunnel } from "./channel/tunnel.js"
import { findAgent } from "./confine/agentFolder.js"
import type { Confinement } from "./confine/candidates.js"
import type { Interpreters } from "./confine/interpreters.js"
import type { Isolation } from "./confine/isolation.js"
import { defaultLimits, type SandboxLimits, type SandboxNetwork } from "./confine/rootfs.js"
import type { JavaArchive } from "./languages/javaArchive.js"
import { type LaunchPlan, planLaunch, type SandboxSettings } from "./launchPlan.js"
import type { MemoryLimit } from "./memory/memoryLimit.js"
import { makeOffers, type OfferedFile } from "./process/offeredFile.js"
import { startProcess } from "./process/process.js"

export interface Sandbox {
  readonly isolation: Isolation
  readonly home: string
  readonly tmp: string
  readonly workdir: string
  /** Whether programs inside may reach anything outside. */
  readonly hasNetwork: boolean
  /**
   * Makes one call. Interrupting it kills what it runs inside. `body` is the content of a written file. A call that is not
   * answered within its own timeout plus 15 s, or within two minutes where it has none, kills the sandbox.
   */
  readonly call: (call: SandboxCall, body?: Body) => Effect.Effect<SandboxAnswer, SandboxFailure | SandboxLost>
  /**
   * The same, but a large answer is left unparsed. `onShown` receives the beginning of what a `shell` or `runCode` call writes,
   * while it runs; the bytes are valid during the call of the function.
   */
  readonly callUnparsed: (
    call: SandboxCall,
    body?: Body,
    onShown?: (output: SandboxOutput) => void
  ) => Effect.Effect<Answer, SandboxFailure | SandboxLost>
  /**
   * Makes a `shell` or `runCode` call and streams its output, which the final `Answer` does not repeat. With 256 KiB unread
   * backpressure blocks the program that writes, but no other call, unless 64 MiB are unread in this sandbox altogether.
   */
  readonly stream: (call: SandboxCall) => Stream.Stream<SandboxEvent, SandboxFailure | SandboxLost>
  /**
   * Connects to a port on which a program inside listens. Flow control is per connection. `onUse` is called whenever bytes
   * pass.
   */
  readonly tunnel: (port: number, onUse?: () => void) => Duplex
  /** Streams a file, or a range of it. */
  readonly readFile: (range: FileRange, reader: fileStreams.FileReader) => fileStreams.FileReading
  /** Writes a file as a whole from a stream. */
  readonly writeFile: (file: FileWrite, writer: fileStreams.FileWriter) => fileStreams.FileWriting
  /** Lets this machine write a file as a whole, by way of the descriptor that is offered. */
  readonly handWrite: (file: FileWrite, writer: fileStreams.HandedWriter) => fileStreams.HandedWriting
  /** Opens what was offered, if it is a file of the session's own; nothing where this process may not do that. */
  readonly openOffered: (fd: number) => OfferedFile | undefined
  /** The largest file that the session may have, in bytes. */
  readonly largestFile: number
  /** Completes when the sandbox has ended, for whatever reason, the end of its scope included. */
  readonly lost: Effect.Effect<SandboxLost>
  readonly isLost: Effect.Effect<boolean>
  /** Kills it at once, for example because an answer cannot be decoded. */
  readonly kill: (reason: string) => Effect.Effect<void>
  /** Kills its processes and leaves all else to the end of its scope: for many that end together. */
  readonly killProcesses: Effect.Effect<void>
}

export interface SandboxOptions {
  readonly isolation: Isolation
  readonly interpreters: Interpreters
  readonly limits?: Partial<SandboxLimits> | undefined
  readonly network?: SandboxNetwork | undefined
  /** Network access through this process, for sandboxes with namespaces and no network of their own. */
  readonly egress?: Egress | undefined
  readonly javaArchive?: JavaArchive | undefined
  /** Path of another agent, for tests; its folder becomes visible inside. */
  readonly agent?: string | undefined
}

const readyTimeoutMs = 10_000

/** Uses callbacks, since `Effect.race` waits for the loser where the caller is uninterruptible. */
const whenReady = (connection: SandboxConnection, stderr: () => string): Effect.Effect<void, SandboxStartError> =>
  Effect.async<void, SandboxStartError>((resume) => {
    const settle = (result: Effect.Effect<void, SandboxStartError>) => {
      clearTimeout(timer)
      resume(result)
    }
    const fail = (reason: string) =>
      settle(new SandboxStartError({ reason: [reason, stderr()].filter((part) => part !== "").join(": ") }))
    const timer = setTimeout(() => fail(`its agent was not ready after ${readyTimeoutMs} ms`), readyTimeoutMs)
    void connection.ready.then(() => settle(Effect.void))
    void connection.lost.then(({ reason }) => fail(reason))
    return Effect.sync(() => clearTimeout(timer))
  })

/** Whether the limit of the kernel on processes would count those of other sessions too. */
const sharesUser = (confinement: Confinement) => confinement._tag === "Landlock" && confinement.entry === "caller"

/** For isolation without a memory controller. */
const unbounded: MemoryLimit = { attach: () => {}, enforced: Effect.void, oomKills: () => 0 }

interface Connected extends Pick<Sandbox, "openOffered"> {
  readonly connection: SandboxConnection
}

/** Starts the process, and waits until its agent is ready and its memory is limited. */
const connect = (
  plan: LaunchPlan,
  memory: MemoryLimit,
  oomNotice: OomNotice,
  { outputBytes }: SandboxLimits
): Effect.Effect<Connected, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const process = yield* startProcess(plan.launch, plan.termination)
    const exited = process.exited.then((reason) => oomNotice() ?? reason)
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => new SandboxConnection(process.child, process.kill, exited, outputBytes)),
      (connection) => Effect.sync(() => connection.close("it was closed"))
    )
    memory.attach(process.child.pid, (reason) => connection.end(oomNotice() ?? reason))
    yield* whenReady(connection, process.stderr)
    yield* memory.enforced
    const offers = makeOffers(process.child.pid, connection.agentPid, plan.ownPlaces)
    return { connection, openOffered: (fd) => connection.isLost ? undefined : offers(fd) }
  })

/** Why a call is rejected before it is sent. */
const invalidCall = (call: SandboxCall, { longestCallMillis }: SandboxLimits): SandboxFailure | undefined =>
  "timeoutMs" in call && call.timeoutMs > longestCallMillis
    ? new SandboxFailure({
      code: "EINVAL",
      message: `Invalid argument: a timeout may be at most ${longestCallMillis} ms`
    })
    : undefined

const withNoticeOf = (call: SandboxCall, answer: Answer, oomNotice: OomNotice): Answer => {
  const notice = noticeFor(call, oomNotice)
  return isUnparsed(answer) ? { ...answer, notice } : withNotice(answer, notice).answer
}

const makeCall =
  (connection: SandboxConnection, oomNotice: OomNotice): Sandbox["callUnparsed"] => (call, body, onShown) =>
    Effect.async<Answer, CallError>((resume) => {
      const { cancel } = connection.start(call, body, {
        onShown,
        onEnd: (end) => resume(Either.map(end, (answer) => withNoticeOf(call, answer, oomNotice)))
      })
      return Effect.sync(cancel)
    })

const parsed = (connection: SandboxConnection, answer: Answer): Effect.Effect<SandboxAnswer, SandboxLost> => {
  const { body, value } = parsedAnswer(answer)
  if (value !== undefined || !isUnparsed(answer)) return Effect.succeed({ body, value })
  return Effect.zipRight(
    Effect.sync(() => connection.end("its agent sent something that is no frame")),
    Effect.promise(() => connection.lost).pipe(Effect.flatMap(Effect.fail))
  )
}

const ownAgent = Effect.suspend(() => findAgent()).pipe(
  Effect.mapError(({ message }) => new SandboxStartError({ reason: message }))
)

const build = (options: SandboxOptions): Effect.Effect<Sandbox, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const settings: SandboxSettings = {
      interpreters: options.interpreters,
      limits: { ...defaultLimits, ...options.limits },
      network: options.network ?? "none",
      egress: options.egress,
      javaFolder: options.javaArchive?.folder,
      agent: Path.resolve(options.agent ?? (yield* ownAgent).file)
    }
    const plan = yield* planLaunch(options.isolation.confinement, settings)
    const memory = yield* options.isolation.memory?.limit(
      settings.limits.memoryBytes,
      plan.tmpfsMounts,
      sharesUser(options.isolation.confinement) ? settings.limits.processes : undefined
    ) ??
      Effect.succeed(unbounded)
    const oomNotice = makeOomNotice(memory.oomKills, settings.limits.memoryBytes)
    const isLimited = options.isolation.confinement._tag !== "Unconfined"
    const { connection, openOffered } = yield* connect(plan, memory, oomNotice, settings.limits)
    if (options.egress !== undefined) yield* serveEgress(connection, options.egress)
    const [makesCall, streams] = [makeCall(connection, oomNotice), makeStream(connection, oomNotice)]
    /** Why the call is rejected, if it is. The first run of Java has its archive prepared. */
    const before = (call: SandboxCall) => {
      if (call.op === "runCode" && call.language === "java") options.javaArchive?.prepare()
      return invalidCall(call, settings.limits)
    }
    const callUnparsed: Sandbox["callUnparsed"] = (call, body, onShown) =>
      Effect.suspend(() => before(call) ?? makesCall(call, body, onShown))
    return {
      isolation: options.isolation,
      home: plan.home,
      tmp: plan.tmp,
      workdir: plan.home,
      hasNetwork: settings.network === "host" || settings.egress !== undefined,
      call: (call, body) => Effect.flatMap(callUnparsed(call, body), (answer) => parsed(connection, answer)),
      callUnparsed,
      stream: (call) => Stream.suspend(() => before(call) ?? streams(call)),
      tunnel: (port, onUse) => openTunnel(connection, { op: "tunnel", port }, { onUse }),
      readFile: fileStreams.readFile(connection),
      writeFile: fileStreams.writeFile(connection),
      handWrite: fileStreams.handWrite(connection),
      openOffered,
      largestFile: isLimited ? settings.limits.workspaceBytes : Number.MAX_SAFE_INTEGER,
      lost: Effect.promise(() => connection.lost),
      isLost: Effect.sync(() => connection.isLost),
      kill: (reason) => Effect.sync(() => connection.end(reason)),
      killProcesses: Effect.sync(() => connection.kill())
    }
  })

/** What the machine refuses while it is built, such as a file on a full disk, is a failure to start like any other. */
const built = (options: SandboxOptions) =>
  Effect.catchAllDefect(build(options), (defect) => new SandboxStartError({ reason: String(defect) }))

/**
 * Starts a sandbox and waits, ten seconds at most, until its agent is ready. A start that fails or is interrupted leaves
 * nothing behind, even while the caller's scope lives on.
 */
export const make = (options: SandboxOptions): Effect.Effect<Sandbox, SandboxStartError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) => Effect.flatMap(acquireOwned(restore(built(options))), adopt))
