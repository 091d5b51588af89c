/** Sandboxes for those who have no Effect: each has a session of its own, and deletes it. */
import { Agb } from "@effect-agb/core/Agb"
import { SessionLostError } from "@effect-agb/core/AgbError"
import type { Input } from "@effect-agb/core/CreateSessionParams"
import * as Session from "@effect-agb/core/Session"
import { SessionRef } from "@effect-agb/core/SessionRef"
import type * as Ai from "ai"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { baseDirectory } from "../paths.js"
import { promise } from "./promises.js"
import * as sandbox from "./sandbox.js"

export interface ProviderOptions {
  readonly agb: Layer.Layer<Agb, unknown>
  readonly session: Input
  /** Ports of the session that others may reach; in the cloud of 30100 to 30199. Default: none. */
  readonly ports?: ReadonlyArray<number> | undefined
  /**
   * Whether a harness can stop and go on: the sandbox of a `sessionId` is found again by `resumeSession`, and `stop` leaves its
   * session to its idle timeout, so that it costs money that long. `destroy` deletes it. Default: false.
   */
  readonly resumable?: boolean | undefined
}

export interface PortEndpoint {
  readonly url: string
}

export interface NetworkSandbox extends Ai.Experimental_SandboxSession {
  readonly id: string
  readonly defaultWorkingDirectory: string
  readonly ports: ReadonlyArray<number>
  readonly getPortEndpoint: (options: {
    port: number
    protocol?: "http" | "https" | "ws"
  }) => Promise<PortEndpoint>
  readonly getPortUrl: (options: { port: number; protocol?: "http" | "https" | "ws" }) => Promise<string>
  readonly stop: () => Promise<void>
  readonly destroy: () => Promise<void>
  readonly restricted: () => Ai.Experimental_SandboxSession
}

export interface CreateOptions {
  readonly sessionId?: string
  readonly identity?: string
  readonly abortSignal?: AbortSignal
  readonly onFirstCreate?: (
    session: Ai.Experimental_SandboxSession,
    options: { abortSignal?: AbortSignal }
  ) => Promise<void>
}

export interface Provider {
  readonly specificationVersion: "harness-sandbox-v1"
  readonly providerId: string
  readonly createSession: (options?: CreateOptions) => Promise<NetworkSandbox>
  /** Only of a provider that is `resumable`. */
  readonly resumeSession?: (options: ResumeOptions) => Promise<NetworkSandbox>
}

export interface ResumeOptions {
  readonly sessionId: string
  readonly abortSignal?: AbortSignal
}

/** WebSockets are opened at the same address; the link itself is always encrypted where the server is. */
const linkOf = (session: Session.Session, port: number, protocol: "http" | "https" | "ws" = "https") =>
  promise(session.getLink({ port, protocolType: protocol === "ws" ? "wss" : "https" }))

const setUp = ({ abortSignal, onFirstCreate }: CreateOptions, session: Session.Session) =>
  Effect.gen(function*() {
    const made = sandbox.make(session)
    const directory = yield* baseDirectory(session.command)
    if (onFirstCreate !== undefined) {
      const options = abortSignal === undefined ? {} : { abortSignal }
      yield* Effect.tryPromise({ try: () => onFirstCreate(made, options), catch: (error) => error })
    }
    return { session, made, directory }
  })

/** The name of a harness for its session may be of any length and characters. */
const labelOf = (sessionId: string) => ({ "ai-sdk-session": encodeURIComponent(sessionId) })

/** Outlives this program, but for a set-up that fails. */
const createResumable = (params: Input, sessionId: string, options: CreateOptions) =>
  Effect.gen(function*() {
    const agb = yield* Agb
    const labels = { ...params.labels, ...labelOf(sessionId) }
    const { ref } = yield* agb.create({ ...params, labels }, { keepAlive: false })
    return yield* Effect.flatMap(agb.resume(ref), (session) => setUp(options, session)).pipe(
      Effect.onError(() => Effect.ignoreLogged(agb.delete(ref.sessionId)))
    )
  })

const resumed = (sessionId: string) =>
  Effect.gen(function*() {
    const agb = yield* Agb
    const found = yield* Stream.runHead(agb.list(labelOf(sessionId)))
    if (Option.isNone(found)) {
      const operation = "AiSdk.resumeSession"
      return yield* new SessionLostError({ operation, sessionId, reason: "NotFound", mayHaveHappened: false })
    }
    return yield* Effect.flatMap(
      agb.resume(new SessionRef({ sessionId: found.value.sessionId, imageId: "" })),
      (session) => setUp({}, session)
    )
  })

type SetUp = Effect.Effect<Effect.Effect.Success<ReturnType<typeof setUp>>, unknown, Agb | Scope.Scope>

/** `isKept`: whether its session outlives `stop`. */
const start = async (
  { agb, ports = [] }: ProviderOptions,
  acquire: SetUp,
  isKept: boolean,
  signal: AbortSignal | undefined
) => {
  signal?.throwIfAborted()
  const scope = Effect.runSync(Scope.make())
  const runtime = ManagedRuntime.make(agb)
  const dispose = async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await runtime.dispose()
  }
  const exit = await runtime.runPromiseExit(Scope.extend(acquire, scope), signal === undefined ? {} : { signal })
  if (Exit.isFailure(exit)) {
    await dispose()
    throw Cause.isInterrupted(exit.cause) && signal?.aborted === true ? signal.reason : Cause.squash(exit.cause)
  }
  const { directory, made, session } = exit.value
  let ended: Promise<void> | undefined
  const stop = () => ended ??= dispose()
  const remove = Effect.flatMap(Agb, (agb) => agb.delete(session.sessionId))
  let destroyed: Promise<void> | undefined
  const destroy = () => destroyed ??= isKept ? promise(Effect.provide(remove, agb)).finally(stop) : stop()
  const getPortUrl: NetworkSandbox["getPortUrl"] = ({ port, protocol }) => linkOf(session, port, protocol)
  return {
    ...made,
    id: session.sessionId,
    defaultWorkingDirectory: directory,
    ports,
    getPortUrl,
    getPortEndpoint: async (endpoint) => ({ url: await getPortUrl(endpoint) }),
    stop,
    destroy,
    restricted: () => made
  } satisfies NetworkSandbox
}

export const make = (options: ProviderOptions): Provider => {
  const { resumable = false, session: params } = options
  const createSession = (given: CreateOptions = {}) => {
    const { abortSignal, sessionId } = given
    return resumable && sessionId !== undefined
      ? start(options, createResumable(params, sessionId, given), true, abortSignal)
      : start(options, Effect.flatMap(Session.make(params), (session) => setUp(given, session)), false, abortSignal)
  }
  const resumeSession = ({ abortSignal, sessionId }: ResumeOptions) =>
    start(options, resumed(sessionId), true, abortSignal)
  return {
    specificationVersion: "harness-sandbox-v1",
    providerId: "agb",
    createSession,
    ...resumable ? { resumeSession } : {}
  }
}
