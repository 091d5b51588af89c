/** Sandboxes for those who have no Effect: each has a session of its own, and deletes it. */
import type { Agb } from "@effect-agb/core/Agb"
import type { Input } from "@effect-agb/core/CreateSessionParams"
import * as Session from "@effect-agb/core/Session"
import type * as Ai from "ai"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { baseDirectory } from "./paths.js"
import { promise } from "./promises.js"
import * as sandbox from "./sandbox.js"

export interface ProviderOptions {
  readonly agb: Layer.Layer<Agb, unknown>
  readonly session: Input
  /** Ports of the session that others may reach; in the cloud of 30100 to 30199. Default: none. */
  readonly ports?: ReadonlyArray<number> | undefined
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
}

/** WebSockets are opened at the same address; the link itself is always encrypted where the server is. */
const linkOf = (session: Session.Session, port: number, protocol: "http" | "https" | "ws" = "https") =>
  promise(session.getLink({ port, protocolType: protocol === "ws" ? "wss" : "https" }))

const acquire = ({ abortSignal, onFirstCreate }: CreateOptions) =>
  Effect.gen(function*() {
    const session = yield* Session.Session
    const made = sandbox.make(session)
    const directory = yield* baseDirectory(session.command)
    if (onFirstCreate !== undefined) {
      const options = abortSignal === undefined ? {} : { abortSignal }
      yield* Effect.tryPromise({ try: () => onFirstCreate(made, options), catch: (error) => error })
    }
    return { session, made, directory }
  })

const create = async ({ agb, ports = [], session: params }: ProviderOptions, options: CreateOptions) => {
  options.abortSignal?.throwIfAborted()
  const runtime = ManagedRuntime.make(Layer.provide(Session.layer(params), agb))
  const signal = options.abortSignal
  const exit = await runtime.runPromiseExit(acquire(options), signal === undefined ? {} : { signal })
  if (Exit.isFailure(exit)) {
    await runtime.dispose()
    throw Cause.isInterrupted(exit.cause) && signal?.aborted === true ? signal.reason : Cause.squash(exit.cause)
  }
  const { directory, made, session } = exit.value
  let ended: Promise<void> | undefined
  const end = () => ended ??= runtime.dispose()
  const getPortUrl: NetworkSandbox["getPortUrl"] = ({ port, protocol }) => linkOf(session, port, protocol)
  return {
    ...made,
    id: session.sessionId,
    defaultWorkingDirectory: directory,
    ports,
    getPortUrl,
    getPortEndpoint: async (endpoint) => ({ url: await getPortUrl(endpoint) }),
    stop: end,
    destroy: end,
    restricted: () => made
  } satisfies NetworkSandbox
}

export const make = (options: ProviderOptions): Provider => ({
  specificationVersion: "harness-sandbox-v1",
  providerId: "agb",
  createSession: (given = {}) => create(options, given)
})
