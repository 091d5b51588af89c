/** Where sessions are: in the cloud, on a server that `AGB_ENDPOINT` names, or on this machine. */
import type { Agb } from "@effect-agb/core/Agb"
import type { AgbClient } from "@effect-agb/core/AgbClient"
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Session from "@effect-agb/core/Session"
import { SessionRef } from "@effect-agb/core/SessionRef"
import type * as LocalAgb from "@effect-agb/platform-node/LocalAgb"
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { UsageError } from "../failure.js"

type Isolation = "auto" | "namespaces" | "landlock" | "none"
type Network = "none" | "outbound" | "host"

/** What the options of `options.ts` parse to. */
export interface SessionOptions {
  readonly local: boolean
  readonly session: Option.Option<string>
  readonly image: Option.Option<string>
  readonly isolation: Isolation
  readonly network: Network
}

type BackendError = ConfigurationError | UsageError | NodeAgb.GuardianError | LocalAgb.StartError

type Backend = Layer.Layer<Agb | AgbClient, BackendError>

/** A local runtime inside this process, loaded only where it is used. */
const inProcess = ({ isolation, network }: SessionOptions): Backend =>
  Layer.unwrapEffect(Effect.map(
    Effect.promise(() => import("@effect-agb/platform-node/LocalAgb")),
    (LocalAgb) => LocalAgb.layer({ isolation, network, poolSize: 0 })
  ))

/** For commands that create a session of their own: what they leave behind when they are killed is deleted by the guardian. */
const own = (options: SessionOptions): Backend =>
  options.local ? inProcess(options) : NodeAgb.layerConfig().pipe(Layer.provide(NodeAgb.layerGuardian()))

const isLoopback = (endpoint: string): boolean =>
  /^(https?:\/\/)?(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/i.test(endpoint)

/** For commands about sessions of other programs. */
export const existing = ({ local }: { readonly local: boolean }): Backend =>
  local && !isLoopback(process.env["AGB_ENDPOINT"] ?? "")
    ? Layer.fail(
      new UsageError({
        message: "--local finds the sessions of other programs through a running `agb local`: " +
          "export the AGB_ENDPOINT and the AGB_API_KEY that it prints"
      })
    )
    : NodeAgb.layerConfig()

/** Works in a session that is there, which is kept alive meanwhile and left. */
export const inExisting = <A, E, R>(
  options: { readonly local: boolean },
  sessionId: string,
  f: (session: Session.Session) => Effect.Effect<A, E, R>
) =>
  Session.resume(new SessionRef({ sessionId, imageId: "" })).pipe(
    Effect.flatMap(f),
    Effect.scoped,
    Effect.provide(existing(options))
  )

/** For a session of the options, or one of the command's own. */
export const backend = (options: SessionOptions): Backend =>
  Option.isSome(options.session) ? existing(options) : own(options)

/** By these, sessions of `agb` are told from others. */
export const labels = { "agb-cli": "1" }

/** The image of a session of the command's own. */
export const imageOf = (image: Option.Option<string>): string => Option.getOrElse(image, () => "agb-code-space-1")

/** How a session is made says nothing about one that is there, or in the cloud. */
export const checkOwn = (
  { image, isolation, local, network, session }: SessionOptions
): Effect.Effect<void, UsageError> => {
  const isOwn = Option.isNone(session)
  if (!isOwn && Option.isSome(image)) {
    return new UsageError({
      message: "--image needs a session of the command's own: that of --session has one already"
    })
  }
  return isolation === "auto" && network === "none" || local && isOwn
    ? Effect.void
    : new UsageError({ message: "--isolation and --network need --local, and a session of the command's own" })
}

/** Works in the session of the options, or in one of its own, which is deleted at the end. */
export const inSession = <A, E, R>(
  options: SessionOptions,
  f: (session: Session.Session) => Effect.Effect<A, E, R>
) =>
  Effect.zipRight(
    checkOwn(options),
    Option.match(options.session, {
      onSome: (sessionId) => inExisting(options, sessionId, f),
      onNone: () => Session.use({ imageId: imageOf(options.image), labels }, f).pipe(Effect.provide(own(options)))
    })
  )
